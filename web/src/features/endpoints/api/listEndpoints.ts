import type { ListPage, ListQuery, ListState } from "@/components/listState";
import { preloadList, useResourceList } from "@/components/listState";
import { payload, PROJECT } from "@/lib/api/client";
import { listEndpoints } from "@/lib/api/generated/sdk.gen";
import type { EndpointStatus, EndpointView, SortBy } from "@/lib/api/generated/types.gen";

async function fetchEndpoints({ statuses, sortBy, ...query }: ListQuery): Promise<ListPage<EndpointView>> {
  const answer = await payload(listEndpoints({
    path: PROJECT,
    query: { ...query, sortBy: sortBy as SortBy, endpointStatusCodeList: statuses as EndpointStatus[] | undefined },
  }));
  return { rows: answer.endpointList, nextCursor: answer.nextCursor ?? null, totalCount: answer.totalCount };
}

/** Endpoints that meet the list's conditions. */
export const useEndpoints = (state: ListState) => useResourceList("endpoint", state, {}, fetchEndpoints);

export const preloadEndpoints = preloadList("endpoint", fetchEndpoints);
