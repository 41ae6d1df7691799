import { Group, Text } from "@mantine/core";
import { IconTrophy } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { ListFilters } from "@/components/ListFilters";
import { ResourceTable, type Column } from "@/components/ResourceTable";
import { StatusBadge } from "@/components/StatusBadge";
import { Span } from "@/components/Time";
import type { TrialView, TuningView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";

import { useTrials } from "../api/listTrials";
import { TRIAL_STATUSES, valueOf } from "../tuning";

import { TrialDrawer } from "./TrialDrawer";
import { arranged, otherMetrics, useTrialTableState } from "./trialTable";

const shown = (value: number | string | null | undefined): string => (value == null ? "–" : typeof value === "number" ? compact(value) : value);

/** Every trial with its hyperparameters and metrics as columns (HP-68, HP-69); one that is selected is shown beside the table. */
export function TrialTable({ tuning }: { tuning: TuningView }) {
  const { t } = useTranslation("tunings");
  const state = useTrialTableState();
  const [params, setParams] = useSearchParams();
  const { data: trials, error, refetch } = useTrials(tuning.hyperparameterTuningId);
  const rows = useMemo(() => arranged(trials ?? [], state), [trials, state]);
  const objective = tuning.objectiveMetricName ?? "";
  const columns: Column<TrialView>[] = [
    {
      key: "number", label: t("trial"), width: "90px", sortBy: "number",
      cell: (row) => <Group gap={4} wrap="nowrap" component="span">#{row.number}{row.trialId === tuning.optimalTrialId && <IconTrophy size={14} role="img" aria-label={t("bestTrial")} />}</Group>,
    },
    { key: "status", label: t("status", { ns: "common" }), width: "minmax(180px, 2fr)", sortBy: "status", cell: (row) => <StatusBadge status={row.trialStatusCode} reason={row.statusReason} /> },
    { key: "objective", label: t("objectiveColumn", { metric: objective }), width: "minmax(110px, 1fr)", sortBy: "objective", cell: (row) => <Text size="sm" fw={row.trialId === tuning.optimalTrialId ? 650 : undefined}>{shown(row.objectiveValue)}</Text> },
    ...tuning.hyperparameterSpecList.map(({ hyperparameterName: name }): Column<TrialView> => ({
      key: `parameter:${name}`, label: name, width: "minmax(100px, 1fr)", sortBy: `parameter:${name}`, cell: (row) => shown(valueOf(row, name)),
    })),
    ...otherMetrics(tuning).map((name): Column<TrialView> => ({
      key: `metric:${name}`, label: t("latestOf", { metric: name }), width: "minmax(140px, 1fr)", sortBy: `metric:${name}`,
      cell: (row) => { const text = row.trialMetricList.find(({ trialMetricName }) => trialMetricName === name)?.trialMetricLatestValue; return text === undefined ? "–" : compact(Number(text)); },
    })),
    { key: "time", label: t("time", { ns: "common" }), width: "90px", sortBy: "time", cell: (row) => <Span seconds={row.elapsedTimeSeconds} since={row.finishedDatetime === null ? row.startedDatetime : null} /> },
  ];
  const pathOf = (id: string | null): string => {
    const next = new URLSearchParams(params);
    if (id === null) next.delete("trial"); else next.set("trial", id);
    return `?${next.toString()}`;
  };
  const chosen = trials?.find(({ trialId }) => trialId === params.get("trial"));
  if (error !== null) return <ErrorView error={error} retry={() => { void refetch(); }} />;
  return (
    <>
      <ListFilters state={state} statuses={TRIAL_STATUSES} />
      {trials !== undefined && rows.length === 0 ? <Text c="dimmed">{trials.length === 0 ? t("noTrialsYet") : t("nothingFound", { ns: "common" })}</Text> : (
        <ResourceTable
          name={`trials-${tuning.hyperparameterTuningId}`} columns={columns} rows={rows} state={state} idOf={(row) => row.trialId} nameOf={(row) => row.trialName} pathOf={(row) => pathOf(row.trialId)}
        />
      )}
      {chosen !== undefined && <TrialDrawer tuning={tuning} trial={chosen} close={() => { setParams(pathOf(null), { replace: true }); }} />}
    </>
  );
}
