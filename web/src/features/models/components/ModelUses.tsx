import { Anchor, Stack, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { StatusBadge } from "@/components/StatusBadge";
import type { ModelView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

/** On which stages a model is deployed; as long as it is, it cannot be deleted (MD-37). */
export function ModelUses({ model }: { model: ModelView }) {
  const { t } = useTranslation("models");
  if (model.endpointList.length === 0) return <Text c="dimmed" size="sm">{t("notUsed")}</Text>;
  return (
    <Stack gap="xs">
      <Text size="sm" c="dimmed">{t("usedText")}</Text>
      <Table.ScrollContainer minWidth={420}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("endpoint")}</Table.Th>
              <Table.Th>{t("stage")}</Table.Th>
              <Table.Th>{t("status", { ns: "common" })}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {model.endpointList.map((use) => (
              <Table.Tr key={`${use.endpointId} ${use.apigwStageName}`}>
                <Table.Td><Anchor component={Link} to={paths.endpoints.one(use.endpointId)} size="sm">{use.endpointName}</Anchor></Table.Td>
                <Table.Td>{use.apigwStageName}</Table.Td>
                <Table.Td><StatusBadge status={use.endpointStatusCode} /></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}
