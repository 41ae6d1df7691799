import { Paper, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { CopyBlock } from "@/components/CopyText";
import { ErrorView } from "@/components/ErrorView";
import type { HyperparameterSpecView, TuningView } from "@/lib/api/generated/types.gen";

import { useCopySource } from "../api/getCopySource";

const valuesOf = (spec: HyperparameterSpecView): string => spec.hyperparameterSpecifiedValues ?? `${spec.hyperparameterMinValue ?? ""} … ${spec.hyperparameterMaxValue ?? ""}`;

/** What a tuning was asked to do: its search space, and the whole request to copy. */
export function TuningConfiguration({ tuning }: { tuning: TuningView }) {
  const { t } = useTranslation("tunings");
  const { data, error } = useCopySource(tuning.hyperparameterTuningId);
  return (
    <Stack gap="lg">
      <Paper withBorder p="md">
        <Title order={2} size="h5" mb="xs">{t("searchSpace")}</Title>
        <Table.ScrollContainer minWidth={420}>
          <Table verticalSpacing={6}>
            <Table.Thead><Table.Tr>{[t("hyperparameter"), t("type"), t("valuesColumn"), t("stepSize")].map((label) => <Table.Th key={label}>{label}</Table.Th>)}</Table.Tr></Table.Thead>
            <Table.Tbody>
              {tuning.hyperparameterSpecList.map((spec) => (
                <Table.Tr key={spec.hyperparameterName}>
                  <Table.Th scope="row" fw={500}>{spec.hyperparameterName}</Table.Th>
                  <Table.Td>{spec.hyperparameterTypeCode.toUpperCase()}</Table.Td><Table.Td>{valuesOf(spec)}</Table.Td><Table.Td>{spec.hyperparameterStep ?? "–"}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        <Text size="sm" c="dimmed" mt="sm">{t("metricsAre", { names: tuning.metricList.map(({ name }) => name).join(", ") })}</Text>
        {tuning.metricRegex !== null && <CopyBlock text={tuning.metricRegex} />}
      </Paper>
      <Paper withBorder p="md">
        <Title order={2} size="h5" mb="xs">{t("request")}</Title>
        {error !== null ? <ErrorView error={error} /> : data === undefined ? <Skeleton height={240} /> : <CopyBlock text={JSON.stringify(data, null, 2)} />}
      </Paper>
    </Stack>
  );
}
