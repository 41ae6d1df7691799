import { Accordion, Stack, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { CopyBlock, CopyText } from "@/components/CopyText";
import { ErrorView } from "@/components/ErrorView";
import { shellWord } from "@/lib/words";

import { useTrainingRuns } from "../api/listTrainingRuns";

/** With what each node was started, so that a run can be repeated by hand (HY-L01). */
export function NodeRuns({ id }: { id: string }) {
  const { t } = useTranslation("trainings");
  const { data: runs, error } = useTrainingRuns(id);
  if (error) return <ErrorView error={error} />;
  if (runs === undefined) return <Text c="dimmed" size="sm">{t("loading", { ns: "common" })}</Text>;
  if (runs.length === 0) return <Text c="dimmed" size="sm">{t("noRuns")}</Text>;
  return (
    <Accordion variant="contained" multiple defaultValue={runs.length === 1 ? ["0"] : []}>
      {runs.map((run) => (
        <Accordion.Item value={String(run.node)} key={run.node}>
          <Accordion.Control>{t("node", { node: run.node })}</Accordion.Control>
          <Accordion.Panel>
            <Stack gap="sm">
              <div><Text size="xs" c="dimmed">{t("command")}</Text><CopyBlock text={run.command.map(shellWord).join(" ")} /></div>
              <div><Text size="xs" c="dimmed">{t("folder")}</Text><CopyText text={run.workingDirectory} /></div>
              <div>
                <Text size="xs" c="dimmed">{t("environment")}</Text>
                <Table.ScrollContainer minWidth={480}>
                  <Table verticalSpacing={4} fz="xs" ff="monospace">
                    <Table.Tbody>
                      {Object.entries(run.environment).sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, value]) => (
                        <Table.Tr key={name}><Table.Th w={280} fw={500}>{name}</Table.Th><Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td></Table.Tr>
                      ))}
                    </Table.Tbody>
                  </Table>
                </Table.ScrollContainer>
              </div>
            </Stack>
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}
