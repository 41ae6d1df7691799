import { useQuery, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { changeDefaultStage, previewDefaultStage } from "@/lib/api/generated/sdk.gen";

/** What a change of the default stage would do, and what is in its way; changes nothing. */
export const useDefaultStagePreview = (endpointId: string, stageId: string | null) => useQuery({
  queryKey: ["endpoint", "default-stage-preview", endpointId, stageId ?? ""], enabled: stageId !== null, gcTime: 0, staleTime: 0,
  queryFn: async () => (await payload(previewDefaultStage({
    path: { ...PROJECT, endpoint_id: endpointId }, query: { endpointStageId: stageId ?? "" },
  }))).defaultStagePreview,
});

/** Makes another stage the default one (EP-32); the former one is deleted, first if `stopFirst`. */
export function useChangeDefaultStage(endpointId: string): (stageId: string, stopFirst: boolean) => Promise<void> {
  const client = useQueryClient();
  return async (stageId, stopFirst) => {
    await payload(changeDefaultStage({ path: { ...PROJECT, endpoint_id: endpointId }, body: { endpointStageId: stageId, stopFirst } }));
    await client.invalidateQueries({ queryKey: ["endpoint"] });
  };
}
