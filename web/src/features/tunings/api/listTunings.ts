import type { QueryClient } from "@tanstack/react-query";

import type { ListPage, ListQuery, ListState } from "@/components/listState";
import { preloadList, useResourceList } from "@/components/listState";
import { payload, PROJECT } from "@/lib/api/client";
import { listTunings } from "@/lib/api/generated/sdk.gen";
import type { SortBy, TuningStatus, TuningView } from "@/lib/api/generated/types.gen";

async function fetchTunings({ sortBy, ...query }: ListQuery, statuses: readonly string[], experimentId?: string): Promise<ListPage<TuningView>> {
  const answer = await payload(listTunings({
    path: PROJECT,
    query: {
      ...query, sortBy: sortBy as SortBy | undefined, experimentId,
      hyperparameterTuningStatusCodeList: statuses.length === 0 ? undefined : (statuses as TuningStatus[]),
    },
  }));
  return { rows: answer.hyperparameterTuningList, nextCursor: answer.nextCursor, totalCount: answer.totalCount };
}

/** Tunings that meet the list's conditions; of one experiment if that is given. */
export const useTunings = (state: ListState, experimentId?: string) =>
  useResourceList("hyperparameter-tuning", state, { experimentId }, (query) => fetchTunings(query, state.statuses, experimentId));

export const preloadTunings = (client: QueryClient): void => { preloadList(client, "hyperparameter-tuning", (query) => fetchTunings(query, [])); };
