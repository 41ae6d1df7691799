import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getDisk } from "@/lib/api/generated/sdk.gen";

/** What takes the disk, counted when somebody asks. */
export const useDisk = () => useQuery({
  queryKey: ["disk"], staleTime: 0, queryFn: async () => (await payload(getDisk({ path: PROJECT }))).diskUsage,
});
