import { Group, Stack, Text } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { ActionButton, notifyError } from "@/components/ActionButton";
import { CopyBlock } from "@/components/CopyText";
import { ErrorView } from "@/components/ErrorView";
import { MetricCharts } from "@/components/metrics/MetricCharts";
import { Pending } from "@/components/Pending";
import type { TrainingView } from "@/lib/api/generated/types.gen";
import { openMlflow, openTensorboard } from "@/lib/webLogin";

import { useMetrics } from "../api/getMetrics";
import { pointsOf, statisticsWords } from "../curves";

const TENSORBOARD = `import os
from torch.utils.tensorboard import SummaryWriter

writer = SummaryWriter(os.environ["EM_TENSORBOARD_LOG_DIR"])
writer.add_scalar("loss", loss, step)`;
const MLFLOW = `import mlflow

mlflow.log_metric("loss", loss, step=step)`;

/** What a training logs, drawn while it runs, and the ways to TensorBoard and MLflow; until there is something, how it gets here (TR-34, TB-01). */
export function TrainingMetrics({ training }: { training: TrainingView }) {
  const { t } = useTranslation("trainings");
  const { t: words } = useTranslation("metrics");
  const id = training.trainingId;
  const { data: metrics, error, refetch } = useMetrics(training);
  const curves = useMemo(() => metrics?.map((metric) => ({
    name: metric.metricName, lines: [{ name: "", points: pointsOf(metric) }], words: statisticsWords(metric, words),
  })), [metrics, words]);
  const failed = (cause: unknown): void => { notifyError(t("notOpened"), cause as Error); };
  return (
    <Stack gap="lg">
      <Group gap="xs">
        <ActionButton leftSection={<IconExternalLink size={14} />} onClick={() => { openTensorboard("training", id).catch(failed); }}>TensorBoard</ActionButton>
        <ActionButton leftSection={<IconExternalLink size={14} />} onClick={() => { openMlflow(id).catch(failed); }}>MLflow</ActionButton>
      </Group>
      {curves === undefined ? (error === null ? <Pending /> : <ErrorView error={error} retry={() => { void refetch(); }} />)
        : curves.length === 0 ? <HowTheyGetHere isFinished={training.isFinished} /> : <MetricCharts metrics={curves} group={`metrics-${id}`} />}
    </Stack>
  );
}

function HowTheyGetHere({ isFinished }: { isFinished: boolean }) {
  const { t } = useTranslation("trainings");
  return (
    <Stack gap="lg" maw={760}>
      <Text size="sm">{isFinished ? t("metricsNone") : t("metricsNotYet")} {t("metricsText")}</Text>
      <div><Text size="sm" fw={500} mb={4}>{t("metricsTensorboard")}</Text><CopyBlock text={TENSORBOARD} /></div>
      <div><Text size="sm" fw={500} mb={4}>{t("metricsMlflow")}</Text><CopyBlock text={MLFLOW} /></div>
    </Stack>
  );
}
