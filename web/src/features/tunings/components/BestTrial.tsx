import { Anchor, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { IconTrophy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyText } from "@/components/CopyText";
import type { TuningView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";

import { trialPath } from "../trialPaths";
import { shownValue } from "../tuning";

/** The best trial of a tuning: its objective's value and what led to it (HP-40, HP-49). */
export function BestTrial({ tuning }: { tuning: TuningView }) {
  const { t } = useTranslation("tunings");
  const best = tuning.optimalTrial;
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Group justify="space-between">
          <Group gap={6}><IconTrophy size={18} aria-hidden /><Title order={2} size="h5">{t("bestTrial")}</Title></Group>
          {best !== null && <Anchor size="sm" component={Link} to={trialPath(tuning.hyperparameterTuningId, best.trialId)}>{best.trialName}</Anchor>}
        </Group>
        {best === null ? <Text size="sm" c="dimmed">{tuning.isFinished ? t("noBestTrial") : t("noBestTrialYet")}</Text> : (
          <>
            <Group gap="xs" align="baseline">
              <Text fz={28} fw={650} lh={1.1}>{best.objectiveValue === null ? "–" : compact(best.objectiveValue)}</Text>
              <Text size="sm" c="dimmed">{tuning.objectiveMetricName} · {tuning.objectiveTypeCode}</Text>
            </Group>
            <Group gap="md">
              {best.hyperparameterList.map(({ parameterName, parameterValue }) => (
                <Text size="sm" key={parameterName} title={parameterValue}><Text span c="dimmed" inherit>{parameterName}</Text> {shownValue(parameterValue)}</Text>
              ))}
            </Group>
            {best.modelUploadUri !== null && <CopyText text={best.modelUploadUri} shown={t("modelPath")} />}
          </>
        )}
      </Stack>
    </Paper>
  );
}
