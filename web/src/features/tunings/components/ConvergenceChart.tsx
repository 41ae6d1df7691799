import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { LineChart } from "@/components/charts/LineChart";
import { ErrorView } from "@/components/ErrorView";
import type { TuningView } from "@/lib/api/generated/types.gen";

import { useAnalysis } from "../api/analyseTuning";
import { trialPath } from "../trialPaths";

/** What each trial came to, and the best of all until then. */
export function ConvergenceChart({ tuning, height }: { tuning: TuningView; height?: number }) {
  const { t } = useTranslation("tunings");
  const navigate = useNavigate();
  const id = tuning.hyperparameterTuningId;
  const { data, error } = useAnalysis(id);
  const history = data?.historyList;
  const series = useMemo(() => [
    { name: t("bestSoFar"), shape: "step" as const, points: (history ?? []).map((one) => [one.number, one.bestValue] as const) },
    { name: t("eachTrial"), shape: "points" as const, points: (history ?? []).map((one) => [one.number, one.value] as const) },
  ], [history, t]);
  if (error !== null) return <ErrorView error={error} />;
  return (
    <LineChart
      title={t("convergence", { metric: tuning.objectiveMetricName ?? "" })} series={series} xName={t("trialNumber")} fromZero={false} height={height}
      note={t("noValuesYet")}
      onPick={(index) => {
        const trial = history?.[index];
        if (trial !== undefined) void navigate(trialPath(id, trial.trialId));
      }}
    />
  );
}
