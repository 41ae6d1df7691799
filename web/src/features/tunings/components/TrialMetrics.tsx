import { Group, MultiSelect, Stack, Text } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { LookFields } from "@/components/metrics/LookFields";
import { useMetricLook, type MetricLook } from "@/components/metrics/look";
import { MetricChart } from "@/components/metrics/MetricChart";
import type { TrialView, TuningView } from "@/lib/api/generated/types.gen";

import { useTrials } from "../api/listTrials";
import { useTrialPoints } from "../api/listTrialPoints";
import { isLess } from "../tuning";

import { trialWords } from "./TrialSelect";
import { arranged } from "./trialTable";

// More lines than this are told apart by nobody.
const MOST_LINES = 8;
const FIRST_LINES = 4;

/** The metrics of some trials over their steps, one chart for each metric; the best trials and those that run unless others are chosen. */
export function TrialMetrics({ tuning }: { tuning: TuningView }) {
  const { t } = useTranslation("tunings");
  const [params, setParams] = useSearchParams();
  const [look, setLook] = useMetricLook();
  const { data, error, isPending } = useTrials(tuning.hyperparameterTuningId);
  const trials = useMemo(() => (data ?? []).filter((trial) => trial.trialMetricList.length > 0), [data]);
  const named = params.getAll("trial").filter((id) => trials.some(({ trialId }) => trialId === id));
  const chosen = (named.length > 0 ? named : firstChoice(trials, tuning)).slice(0, MOST_LINES);
  if (error !== null) return <ErrorView error={error} />;
  if (trials.length === 0) return <Text c="dimmed">{isPending ? t("loading", { ns: "common" }) : t("noValuesYet")}</Text>;
  return (
    <Stack gap="md">
      <MultiSelect
        size="xs" maw={720} label={t("compared")} searchable maxValues={MOST_LINES} data={trials.map((trial) => ({ value: trial.trialId, label: trialWords(trial) }))} value={chosen}
        onChange={(ids) => {
          setParams((now) => {
            const next = new URLSearchParams(now);
            next.delete("trial");
            for (const id of ids) next.append("trial", id);
            return next;
          }, { replace: true });
        }}
      />
      <Group gap="lg" align="flex-end"><LookFields look={look} setLook={setLook} /></Group>
      {tuning.metricList.map(({ name }) => <OneMetric key={name} tuning={tuning} trials={trials.filter(({ trialId }) => chosen.includes(trialId))} metric={name} look={look} />)}
    </Stack>
  );
}

function firstChoice(trials: readonly TrialView[], tuning: TuningView): string[] {
  const best = arranged(trials, { keyword: "", statuses: [], sortBy: "objective", sortOrder: isLess(tuning) ? "ASC" : "DESC" });
  const running = trials.filter(({ trialStatusCode }) => trialStatusCode === "RUNNING");
  return [...new Set([...best.slice(0, FIRST_LINES), ...running].map(({ trialId }) => trialId))];
}

function OneMetric({ tuning, trials, metric, look }: { tuning: TuningView; trials: readonly TrialView[]; metric: string; look: MetricLook }) {
  const ids = useMemo(() => trials.map(({ trialId }) => trialId), [trials]);
  const { points, error } = useTrialPoints(tuning.hyperparameterTuningId, ids, metric);
  const lines = useMemo(() => trials.map((trial, place) => ({
    name: `#${String(trial.number)}`, points: (points[place] ?? []).map(({ step, value }) => [step, value] as const),
  })), [trials, points]);
  if (error !== null) return <ErrorView error={error} />;
  return <MetricChart metric={{ name: metric, lines }} look={look} group={tuning.hyperparameterTuningId} />;
}
