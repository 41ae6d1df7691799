import type { ListPage, ListQuery, ListState } from "@/components/listState";
import { preloadList, useResourceList } from "@/components/listState";
import { payload, PROJECT } from "@/lib/api/client";
import { listExperiments } from "@/lib/api/generated/sdk.gen";
import type { ExperimentView, SortBy } from "@/lib/api/generated/types.gen";

async function fetchExperiments(query: ListQuery): Promise<ListPage<ExperimentView>> {
  const answer = await payload(listExperiments({ path: PROJECT, query: { ...query, sortBy: query.sortBy as SortBy } }));
  return { rows: answer.experimentList, nextCursor: answer.nextCursor, totalCount: answer.totalCount };
}

export const useExperiments = (state: ListState) => useResourceList("experiment", state, {}, fetchExperiments);

export const preloadExperiments = preloadList("experiment", fetchExperiments);
