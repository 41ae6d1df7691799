import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { listMostCalledEndpoints } from "@/lib/api/generated/sdk.gen";

export const PERIODS = ["1h", "24h", "7d", "30d"] as const;
export type Period = (typeof PERIODS)[number];

// Calls are not told as changes.
const CALLS_MS = 10_000;

/** The three endpoints that were called most in a period (DB-07, DB-09). */
export const useTopEndpoints = (period: Period) => useQuery({
  queryKey: ["endpoint", "list", "top", period], refetchInterval: CALLS_MS, placeholderData: keepPreviousData,
  queryFn: async () => (await payload(listMostCalledEndpoints({ path: PROJECT, query: { count: 3, last: period } }))).apiStatistics,
});
