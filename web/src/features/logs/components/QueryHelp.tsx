import { Anchor, Code, Paper, Stack, Table, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

const EXAMPLES = [
  ['logType:"NHNCloud-AIEasyMaker"', "exampleAll"],
  ['category:"easymaker.training"', "exampleTraining"],
  ['category:"easymaker.inference"', "exampleInference"],
  ["logLevel:ERROR OR logLevel:WARNING", "exampleErrors"],
  ['"out of memory" AND NOT epoch*', "exampleWords"],
  ["time:[2026-01-01T00:00 TO *]", "exampleTime"],
] as const;
const FIELDS = "trainingId hyperparameterTuningId endpointId endpointStageId inferenceId modelName category logLevel logType node time body".split(" ");

/** How a query is written, with examples that can be taken (LG-L02). */
export function QueryHelp({ onTake }: { onTake: (query: string) => void }) {
  const { t } = useTranslation("logs");
  return (
    <Paper withBorder p="md" mb="sm" component="section" aria-label={t("help")}>
      <Stack gap="xs">
        <Title order={2} size="h6">{t("help")}</Title>
        <Text size="sm">{t("helpText")}</Text>
        <Table.ScrollContainer type="native" minWidth={420}>
          <Table verticalSpacing={4} withRowBorders={false}>
            <Table.Tbody>
              {EXAMPLES.map(([query, label]) => (
                <Table.Tr key={query}>
                  <Table.Td><Anchor component="button" type="button" size="sm" ta="left" onClick={() => { onTake(query); }}><Code>{query}</Code></Anchor></Table.Td>
                  <Table.Td><Text size="sm" c="dimmed">{t(label)}</Text></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        <Text size="sm">{t("fields")} {FIELDS.map((field) => <Code key={field} mr={4}>{field}</Code>)}</Text>
      </Stack>
    </Paper>
  );
}
