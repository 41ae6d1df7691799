import type { ListPage, ListQuery, ListState } from "@/components/listState";
import { preloadList, useResourceList } from "@/components/listState";
import { payload, PROJECT } from "@/lib/api/client";
import { listModels } from "@/lib/api/generated/sdk.gen";
import type { ModelStatus, ModelView, SortBy } from "@/lib/api/generated/types.gen";

async function fetchModels({ statuses, sortBy, ...query }: ListQuery): Promise<ListPage<ModelView>> {
  const answer = await payload(listModels({
    path: PROJECT,
    query: { ...query, sortBy: sortBy as SortBy, modelStatusCodeList: statuses as ModelStatus[] | undefined },
  }));
  return { rows: answer.modelList, nextCursor: answer.nextCursor ?? null, totalCount: answer.totalCount };
}

/** Models that meet the list's conditions. */
export const useModels = (state: ListState) => useResourceList("model", state, {}, fetchModels);

export const preloadModels = preloadList("model", fetchModels);
