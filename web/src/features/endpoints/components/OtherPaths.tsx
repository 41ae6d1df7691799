import { Collapse, Table, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useTranslation } from "react-i18next";

import { CopyText } from "@/components/CopyText";

import { modelPath, ROUTES } from "../protocol";

/** Every path at which a model answers (OI-01…OI-12, OI-L01). */
export function OtherPaths({ base, modelName }: { base: string; modelName: string }) {
  const { t } = useTranslation("endpoints");
  const [isOpen, paths] = useDisclosure();
  return (
    <div>
      <UnstyledButton onClick={paths.toggle} aria-expanded={isOpen}><Text size="sm" c="var(--mantine-color-anchor)">{t(isOpen ? "hidePaths" : "showPaths")}</Text></UnstyledButton>
      <Collapse expanded={isOpen}>
        <Table.ScrollContainer minWidth={520} mt="xs">
          <Table fz="sm">
            <Table.Tbody>
              {ROUTES.map((route) => (
                <Table.Tr key={route.api}>
                  <Table.Td>{t(`apiOf.${route.api}`)}</Table.Td>
                  <Table.Td>{route.method}</Table.Td>
                  <Table.Td><CopyText text={base + modelPath(modelName, route.api)} shown={modelPath(modelName, route.api)} /></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Collapse>
    </div>
  );
}
