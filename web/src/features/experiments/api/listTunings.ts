import type { ListPage, ListQuery, ListState } from "@/components/listState";
import { useResourceList } from "@/components/listState";
import { payload, PROJECT } from "@/lib/api/client";
import { listTunings } from "@/lib/api/generated/sdk.gen";
import type { SortBy, TuningStatus, TuningView } from "@/lib/api/generated/types.gen";

async function fetchTunings(experimentId: string, query: ListQuery, statuses: readonly string[]): Promise<ListPage<TuningView>> {
  const answer = await payload(listTunings({
    path: PROJECT,
    query: {
      ...query, sortBy: query.sortBy as SortBy, experimentId,
      hyperparameterTuningStatusCodeList: statuses.length === 0 ? undefined : (statuses as TuningStatus[]),
    },
  }));
  return { rows: answer.hyperparameterTuningList, nextCursor: answer.nextCursor, totalCount: answer.totalCount };
}

/** Tunings of an experiment (EX-08). */
export const useTuningsOf = (experimentId: string, state: ListState) =>
  useResourceList("hyperparameter-tuning", state, { experimentId }, (query) => fetchTunings(experimentId, query, state.statuses));
