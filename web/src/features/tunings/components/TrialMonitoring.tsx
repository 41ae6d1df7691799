import { Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { readTrainingUse } from "@/components/monitoring/use";
import { ResourceMonitoring } from "@/components/ResourceMonitoring";
import type { TuningView } from "@/lib/api/generated/types.gen";

import { useTrials } from "../api/listTrials";

import { TrialSelect, useChosenTrial } from "./TrialSelect";

/** What the nodes of a trial use (HP-54): a trial is a training of the same id. */
export function TrialMonitoring({ tuning }: { tuning: TuningView }) {
  const { t } = useTranslation("tunings");
  const { data: trials = [], error, isPending } = useTrials(tuning.hyperparameterTuningId);
  const chosen = useChosenTrial(tuning, trials);
  if (error !== null) return <ErrorView error={error} />;
  if (chosen === undefined) return <Text c="dimmed">{isPending ? t("loading", { ns: "common" }) : t("noTrialsYet")}</Text>;
  return (
    <Stack gap="md">
      <TrialSelect trials={trials} chosen={chosen} />
      <ResourceMonitoring queryKey={["training", chosen.trialId]} read={readTrainingUse(chosen.trialId)} isRunning={chosen.finishedDatetime === null} initial="all" />
    </Stack>
  );
}
