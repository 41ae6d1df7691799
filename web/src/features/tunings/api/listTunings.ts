import type { ListPage, ListQuery, ListState } from "@/components/listState";
import { preloadList, useResourceList } from "@/components/listState";
import { payload, PROJECT } from "@/lib/api/client";
import { listTunings } from "@/lib/api/generated/sdk.gen";
import type { SortBy, TuningStatus, TuningView } from "@/lib/api/generated/types.gen";

async function fetchTunings({ statuses, sortBy, ...query }: ListQuery, experimentId?: string): Promise<ListPage<TuningView>> {
  const answer = await payload(listTunings({
    path: PROJECT,
    query: {
      ...query, sortBy: sortBy as SortBy | undefined, experimentId,
      hyperparameterTuningStatusCodeList: statuses as TuningStatus[] | undefined,
    },
  }));
  return { rows: answer.hyperparameterTuningList, nextCursor: answer.nextCursor, totalCount: answer.totalCount };
}

/** Tunings that meet the list's conditions; of one experiment if that is given. */
export const useTunings = (state: ListState, experimentId?: string) =>
  useResourceList("hyperparameter-tuning", state, { experimentId }, (query) => fetchTunings(query, experimentId));

export const preloadTunings = preloadList("hyperparameter-tuning", fetchTunings);
