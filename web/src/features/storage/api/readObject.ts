import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { readObject } from "@/lib/api/generated/sdk.gen";

/** The bytes of a file that is small enough to be looked at. */
export const useContent = (uri: string, isWanted: boolean) => useQuery({
  queryKey: ["storage", "content", uri], staleTime: 0, gcTime: 0, enabled: isWanted,
  queryFn: async () => await payload(readObject({ path: PROJECT, query: { uri }, parseAs: "blob" })) as Blob,
});
