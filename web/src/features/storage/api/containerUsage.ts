import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getContainerUsage } from "@/lib/api/generated/sdk.gen";

/** How many objects a container has and how large they are; counting may take a while. */
export const useContainerUsage = (container: string) => useQuery({
  queryKey: ["storage", "usage", container], staleTime: 0, retry: false,
  queryFn: async () => (await payload(getContainerUsage({ path: { ...PROJECT, container } }))).containerUsage,
});
