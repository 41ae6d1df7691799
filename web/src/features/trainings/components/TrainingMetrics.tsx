import { Group, Stack, Text } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { ActionButton, notifyError } from "@/components/ActionButton";
import { CopyBlock } from "@/components/CopyText";
import { openMlflow, openTensorboard } from "@/lib/webLogin";

const TENSORBOARD = `import os
from torch.utils.tensorboard import SummaryWriter

writer = SummaryWriter(os.environ["EM_TENSORBOARD_LOG_DIR"])
writer.add_scalar("loss", loss, step)`;
const MLFLOW = `import mlflow

mlflow.log_metric("loss", loss, step=step)`;

/** A training's metrics are in TensorBoard and MLflow; both open beside this page, and the code says how they get there (TB-01). */
export function TrainingMetrics({ id }: { id: string }) {
  const { t } = useTranslation("trainings");
  const failed = (error: unknown): void => { notifyError(t("notOpened"), error as Error); };
  return (
    <Stack gap="lg" maw={760}>
      <Text size="sm">{t("metricsText")}</Text>
      <Group gap="xs">
        <ActionButton leftSection={<IconExternalLink size={14} />} onClick={() => { openTensorboard("training", id).catch(failed); }}>TensorBoard</ActionButton>
        <ActionButton leftSection={<IconExternalLink size={14} />} onClick={() => { openMlflow(id).catch(failed); }}>MLflow</ActionButton>
      </Group>
      <div><Text size="sm" fw={500} mb={4}>{t("metricsTensorboard")}</Text><CopyBlock text={TENSORBOARD} /></div>
      <div><Text size="sm" fw={500} mb={4}>{t("metricsMlflow")}</Text><CopyBlock text={MLFLOW} /></div>
    </Stack>
  );
}
