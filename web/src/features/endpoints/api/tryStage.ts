import { useMutation } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { tryEndpointStage } from "@/lib/api/generated/sdk.gen";
import type { TriedView, TryOut } from "@/lib/api/generated/types.gen";

/** Sends a request to a stage, by way of the daemon: pages may not ask another origin. */
export async function tryStage(stageId: string, body: TryOut): Promise<TriedView> {
  return (await payload(tryEndpointStage({ path: { ...PROJECT, endpoint_stage_id: stageId }, body }))).tried;
}

export const useTryStage = (stageId: string) => useMutation({ mutationFn: (body: TryOut) => tryStage(stageId, body) });
