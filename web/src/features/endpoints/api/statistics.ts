import { keepPreviousData, useQuery } from "@tanstack/react-query";

import type { TimeRangeState } from "@/components/timeRangeState";
import { payload, PROJECT } from "@/lib/api/client";
import { getEndpointApiStatistics, getStageApiStatistics } from "@/lib/api/generated/sdk.gen";

// The daemon asks the gateway about as often.
const EVERY_MS = 15_000;

/** What calls are shown of: an endpoint with all its stages, or one stage. */
export type Called = { kind: "endpoint"; id: string } | { kind: "endpoint-stage"; id: string };

/** Calls in a range of time (GW-05). No stream tells of calls, so a range that moves is asked for again and again. */
export const useStatistics = (called: Called, range: TimeRangeState) => useQuery({
  queryKey: ["statistics", called.kind, called.id, { name: range.name, from: range.from, to: range.to }],
  queryFn: async () => {
    const query = range.query();
    const answer = called.kind === "endpoint"
      ? await payload(getEndpointApiStatistics({ path: { ...PROJECT, endpoint_id: called.id }, query }))
      : await payload(getStageApiStatistics({ path: { ...PROJECT, endpoint_stage_id: called.id }, query }));
    return answer.apiStatistics;
  },
  placeholderData: keepPreviousData, refetchInterval: range.isMoving ? EVERY_MS : false,
});
