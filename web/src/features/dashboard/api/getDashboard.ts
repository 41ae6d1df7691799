import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getDashboard } from "@/lib/api/generated/sdk.gen";

// As often as the daemon takes samples; figures of use are not told as changes.
const SAMPLE_MS = 10_000;

/** Figures, who uses most, what failed last. Whatever starts or ends changes the queue, and so this. */
export const useDashboard = () => useQuery({
  queryKey: ["queue", "dashboard"], refetchInterval: SAMPLE_MS,
  queryFn: async () => (await payload(getDashboard({ path: PROJECT }))).dashboard,
});
