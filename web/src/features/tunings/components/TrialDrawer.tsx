import { Button, Drawer, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyText } from "@/components/CopyText";
import { notifyError } from "@/components/ActionButton";
import { Facts } from "@/components/Facts";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago, Span } from "@/components/Time";
import type { TrialView, TuningView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";
import { paths } from "@/lib/paths";
import { reasonText } from "@/lib/reasons";
import { openMlflow } from "@/lib/webLogin";

import { trialTab } from "../trialPaths";

/** One trial: what it tried, what came of it, and where its log, metrics and use are (HP-68). */
export function TrialDrawer({ tuning, trial, close }: { tuning: TuningView; trial: TrialView; close: () => void }) {
  const { t } = useTranslation("tunings");
  const to = (tab: "logs" | "metrics" | "monitoring"): string => trialTab(tuning.hyperparameterTuningId, trial.trialId, tab);
  return (
    <Drawer opened onClose={close} position="right" size="lg" title={<Text fw={650}>{trial.trialName}</Text>}>
      <Stack gap="lg">
        <StatusBadge status={trial.trialStatusCode} />
        {trial.statusReason !== null && <Text size="sm">{reasonText(trial.statusReason)}</Text>}
        <Group gap="xs">
          <Button size="xs" variant="default" component={Link} to={to("logs")}>{t("logs", { ns: "common" })}</Button>
          <Button size="xs" variant="default" component={Link} to={to("metrics")}>{t("metricsTab")}</Button>
          <Button size="xs" variant="default" component={Link} to={to("monitoring")}>{t("monitoring", { ns: "common" })}</Button>
          <Button size="xs" variant="default" onClick={() => { openMlflow(trial.trialId).catch((error: unknown) => { notifyError("MLflow", error as Error); }); }}>MLflow</Button>
        </Group>
        <Facts
          cols={2}
          facts={[
            [t("objectiveColumn", { metric: tuning.objectiveMetricName ?? "" }), trial.objectiveValue === null ? null : compact(trial.objectiveValue)],
            [t("time", { ns: "common" }), <Span key="time" seconds={trial.elapsedTimeSeconds} since={trial.finishedDatetime === null ? trial.startedDatetime : null} />],
            [t("created", { ns: "common" }), <Ago key="created" at={trial.createdDatetime} />],
            [t("id", { ns: "common" }), <CopyText key="id" text={trial.trialId} />],
          ]}
        />
        <section aria-labelledby="trial-hyperparameters">
          <Title order={3} size="h6" id="trial-hyperparameters">{t("hyperparameters")}</Title>
          <Table verticalSpacing={4}>
            <Table.Tbody>
              {trial.hyperparameterList.map(({ parameterName, parameterValue }) => (
                <Table.Tr key={parameterName}><Table.Th scope="row" fw={400} c="dimmed">{parameterName}</Table.Th><Table.Td>{parameterValue}</Table.Td></Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </section>
        <section aria-labelledby="trial-metrics">
          <Title order={3} size="h6" id="trial-metrics">{t("metricsTab")}</Title>
          {trial.trialMetricList.length === 0 ? <Text size="sm" c="dimmed">{t("noValuesYet")}</Text> : (
            <Table verticalSpacing={4}>
              <Table.Thead><Table.Tr>{[t("metric"), t("smallest"), t("largest"), t("latest"), t("values")].map((label) => <Table.Th key={label}>{label}</Table.Th>)}</Table.Tr></Table.Thead>
              <Table.Tbody>
                {trial.trialMetricList.map((metric) => (
                  <Table.Tr key={metric.trialMetricName}>
                    <Table.Th scope="row" fw={400}>{metric.trialMetricName}</Table.Th>
                    {[metric.trialMetricMinValue, metric.trialMetricMaxValue, metric.trialMetricLatestValue].map((text, place) => <Table.Td key={place}>{compact(Number(text))}</Table.Td>)}
                    <Table.Td>{metric.count}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </section>
        {trial.modelUploadUri !== null && (
          <Stack gap={4}>
            <Text size="xs" c="dimmed">{t("modelPath")}</Text>
            <Group gap="xs"><CopyText text={trial.modelUploadUri} /><Button size="compact-xs" variant="subtle" component={Link} to={paths.storage(trial.modelUploadUri)}>{t("files", { ns: "common" })}</Button></Group>
          </Stack>
        )}
      </Stack>
    </Drawer>
  );
}
