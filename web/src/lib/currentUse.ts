/** What everything uses now: asked once, then kept up to date by the samples of the stream. */
import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "./api/client";
import { listCurrentUse } from "./api/generated/sdk.gen";
import { useSample } from "./machine";

/** What each node of each resource uses, as it was told last, by an answer or by a sample. `toldAt`: when, in milliseconds. */
export function useCurrentUse() {
  const asked = useQuery({ queryKey: ["monitoring", "current"], queryFn: async () => (await payload(listCurrentUse({ path: PROJECT }))).currentList });
  const told = useSample();
  const isNewer = told.data !== undefined && told.dataUpdatedAt > asked.dataUpdatedAt;
  return { uses: isNewer ? told.data.currentList : asked.data, toldAt: Math.max(asked.dataUpdatedAt, told.dataUpdatedAt), error: asked.error };
}
