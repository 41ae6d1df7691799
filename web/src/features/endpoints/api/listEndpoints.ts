import type { QueryClient } from "@tanstack/react-query";

import type { ListPage, ListQuery, ListState } from "@/components/listState";
import { preloadList, useResourceList } from "@/components/listState";
import { payload, PROJECT } from "@/lib/api/client";
import { listEndpoints } from "@/lib/api/generated/sdk.gen";
import type { EndpointStatus, EndpointView, SortBy } from "@/lib/api/generated/types.gen";

async function fetchEndpoints(query: ListQuery, statuses: readonly string[]): Promise<ListPage<EndpointView>> {
  const answer = await payload(listEndpoints({
    path: PROJECT,
    query: { ...query, sortBy: query.sortBy as SortBy, endpointStatusCodeList: statuses.length === 0 ? undefined : (statuses as EndpointStatus[]) },
  }));
  return { rows: answer.endpointList, nextCursor: answer.nextCursor ?? null, totalCount: answer.totalCount };
}

/** Endpoints that meet the list's conditions. */
export const useEndpoints = (state: ListState) => useResourceList("endpoint", state, {}, (query) => fetchEndpoints(query, state.statuses));

export const preloadEndpoints = (client: QueryClient): void => { preloadList(client, "endpoint", (query) => fetchEndpoints(query, [])); };
