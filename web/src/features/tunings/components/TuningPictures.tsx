import { Paper, Select, SimpleGrid, Stack } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";

import { BarChart } from "@/components/charts/BarChart";
import { ParallelCoordinates } from "@/components/charts/ParallelCoordinates";
import { ScatterChart } from "@/components/charts/ScatterChart";
import { ErrorView } from "@/components/ErrorView";
import type { AnalysisView, TuningView } from "@/lib/api/generated/types.gen";

import { useAnalysis } from "../api/analyseTuning";
import { trialPath } from "../trialPaths";
import { isLess, valueOf } from "../tuning";

import { ConvergenceChart } from "./ConvergenceChart";

/** What a tuning has found out, as pictures: convergence, importances, parallel coordinates, one hyperparameter against the objective. */
export function TuningPictures({ tuning }: { tuning: TuningView }) {
  const { t } = useTranslation("tunings");
  const navigate = useNavigate();
  const { data, error } = useAnalysis(tuning.hyperparameterTuningId);
  const names = useMemo(() => tuning.hyperparameterSpecList.map((spec) => spec.hyperparameterName), [tuning.hyperparameterSpecList]);
  const found = data?.parallelCoordinateList;
  const lines = useMemo(() => (found ?? []).map((line) => ({
    name: `#${String(line.number)}`, values: names.map((name) => valueOf(line, name) ?? ""), value: line.value,
  })), [found, names]);
  const bars = useMemo(() => (data?.importanceList ?? []).map((one) => ({ name: one.hyperparameterName, value: one.importance })), [data]);
  const pick = (index: number): void => {
    const trial = found?.[index];
    if (trial !== undefined) void navigate(trialPath(tuning.hyperparameterTuningId, trial.trialId));
  };
  if (error !== null) return <ErrorView error={error} />;
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Paper withBorder p="md"><ConvergenceChart tuning={tuning} height={240} /></Paper>
        <Paper withBorder p="md"><BarChart title={t("importances")} bars={bars} unit="share" note={data?.importanceNote} /></Paper>
      </SimpleGrid>
      <Paper withBorder p="md">
        <ParallelCoordinates title={t("parallelCoordinates")} axes={names} lines={lines} valueName={tuning.objectiveMetricName ?? ""} isLessBetter={isLess(tuning)} onPick={pick} />
      </Paper>
      <Paper withBorder p="md"><Against tuning={tuning} names={names} analysis={data} pick={pick} /></Paper>
    </Stack>
  );
}

function Against({ tuning, names, analysis, pick }: { tuning: TuningView; names: readonly string[]; analysis?: AnalysisView; pick: (index: number) => void }) {
  const { t } = useTranslation("tunings");
  const [params, setParams] = useSearchParams();
  const wanted = params.get("hyperparameter");
  const name = wanted !== null && names.includes(wanted) ? wanted : (analysis?.importanceList[0]?.hyperparameterName ?? names[0] ?? "");
  const found = analysis?.parallelCoordinateList;
  const dots = useMemo(() => (found ?? []).map((line) => ({
    name: `#${String(line.number)}`, x: valueOf(line, name) ?? "", y: line.value, isMarked: line.trialId === tuning.optimalTrialId,
  })), [found, name, tuning.optimalTrialId]);
  return (
    <Stack gap="xs">
      <Select
        size="xs" w={260} label={t("hyperparameter")} data={names} value={name} allowDeselect={false}
        onChange={(value) => { if (value !== null) setParams((now) => { const next = new URLSearchParams(now); next.set("hyperparameter", value); return next; }, { replace: true }); }}
      />
      <ScatterChart title={t("against", { name, metric: tuning.objectiveMetricName ?? "" })} dots={dots} xName={name} yName={tuning.objectiveMetricName ?? ""} height={280} onPick={pick} />
    </Stack>
  );
}
