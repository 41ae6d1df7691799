/** The table of trials: its order is the page's own, since all trials are here. */
import { useMemo } from "react";
import { useSearchParams } from "react-router";

import { useListState, type ListState, type SortOrder } from "@/components/listState";
import type { TrialView, TuningView } from "@/lib/api/generated/types.gen";

import { valueOf } from "../tuning";

const FIRST = "number";

/** What the table shows, kept in the address: sorted by number until somebody chooses otherwise. */
export function useTrialTableState(): ListState {
  const state = useListState();
  const [params, setParams] = useSearchParams();
  return useMemo(() => {
    const sortBy = params.get("sortBy") ?? FIRST;
    const sortOrder: SortOrder = params.get("sortOrder") === "DESC" ? "DESC" : "ASC";
    return {
      ...state, sortBy, sortOrder,
      sort: (by) => {
        setParams((now) => {
          const next = new URLSearchParams(now);
          next.set("sortBy", by);
          next.set("sortOrder", by === sortBy && sortOrder === "ASC" ? "DESC" : "ASC");
          return next;
        }, { replace: true });
      },
    };
  }, [state, params, setParams]);
}

export type Sorted = number | string | null;

/** What a trial is sorted by: `number`, `status`, `objective`, `time`, `parameter:NAME` or `metric:NAME`. */
export function sortValue(trial: TrialView, by: string): Sorted {
  if (by.startsWith("parameter:")) return valueOf(trial, by.slice("parameter:".length));
  if (by.startsWith("metric:")) {
    const metric = trial.trialMetricList.find(({ trialMetricName }) => trialMetricName === by.slice("metric:".length));
    return metric === undefined ? null : Number(metric.trialMetricLatestValue);
  }
  switch (by) {
    case "status": return trial.trialStatusCode;
    case "objective": return trial.objectiveValue;
    case "time": return trial.elapsedTimeSeconds;
    default: return trial.number;
  }
}

/** The trials that meet the conditions, in the order of the table. What has no value comes last, whichever way it is sorted. */
export function arranged(trials: readonly TrialView[], state: Pick<ListState, "keyword" | "statuses" | "sortBy" | "sortOrder">): TrialView[] {
  const keyword = state.keyword.toLowerCase();
  const sign = state.sortOrder === "ASC" ? 1 : -1;
  return trials
    .filter((trial) => state.statuses.length === 0 || state.statuses.includes(trial.trialStatusCode))
    .filter((trial) => keyword === "" || trial.trialName.toLowerCase().includes(keyword) || trial.trialId.startsWith(keyword))
    .map((trial) => [sortValue(trial, state.sortBy), trial] as const)
    .sort(([a, first], [b, second]) => {
      if (a === null || b === null) return Number(a === null) - Number(b === null) || first.number - second.number;
      const difference = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
      return sign * difference || first.number - second.number;
    })
    .map(([, trial]) => trial);
}

/** Metrics that trials have beside the objective. */
export const otherMetrics = (tuning: TuningView): string[] =>
  tuning.metricList.map(({ name }) => name).filter((name) => name !== tuning.objectiveMetricName);
