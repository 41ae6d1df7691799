import type { QueryClient } from "@tanstack/react-query";

import type { ListPage, ListQuery, ListState } from "@/components/listState";
import { preloadList, useResourceList } from "@/components/listState";
import { payload, PROJECT } from "@/lib/api/client";
import { listModels } from "@/lib/api/generated/sdk.gen";
import type { ModelStatus, ModelView, SortBy } from "@/lib/api/generated/types.gen";

async function fetchModels(query: ListQuery, statuses: readonly string[]): Promise<ListPage<ModelView>> {
  const answer = await payload(listModels({
    path: PROJECT,
    query: { ...query, sortBy: query.sortBy as SortBy, modelStatusCodeList: statuses.length === 0 ? undefined : (statuses as ModelStatus[]) },
  }));
  return { rows: answer.modelList, nextCursor: answer.nextCursor ?? null, totalCount: answer.totalCount };
}

/** Models that meet the list's conditions. */
export const useModels = (state: ListState) => useResourceList("model", state, {}, (query) => fetchModels(query, state.statuses));

export const preloadModels = (client: QueryClient): void => { preloadList(client, "model", (query) => fetchModels(query, [])); };
