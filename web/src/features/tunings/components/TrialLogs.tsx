import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { LogViewer } from "@/components/LogViewer";
import type { TuningView } from "@/lib/api/generated/types.gen";

import { useTrials } from "../api/listTrials";
import { readTrialLog, trialLogUrl } from "../api/readTrialLog";

import { TrialSelect, useChosenTrial } from "./TrialSelect";

/** The log of one trial, the best one first (HP-L04). */
export function TrialLogs({ tuning }: { tuning: TuningView }) {
  const { t } = useTranslation("tunings");
  const { data: trials = [], error, isPending } = useTrials(tuning.hyperparameterTuningId);
  const chosen = useChosenTrial(tuning, trials);
  if (error !== null) return <ErrorView error={error} />;
  if (chosen === undefined) return <Text c="dimmed">{isPending ? t("loading", { ns: "common" }) : t("noTrialsYet")}</Text>;
  const id = chosen.trialId;
  return (
    <LogViewer queryKey={["trial", "log", id]} read={readTrialLog(id)} streamUrl={trialLogUrl(id, "stream")} downloadUrl={trialLogUrl(id, "raw")}>
      <TrialSelect trials={trials} chosen={chosen} />
    </LogViewer>
  );
}
