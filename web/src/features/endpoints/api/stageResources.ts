import { useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { createEndpointModel, deleteEndpointModel } from "@/lib/api/generated/sdk.gen";
import type { StageResourceSpec } from "@/lib/api/generated/types.gen";

/** Deploys one more model on a stage (SR-25). */
export function useCreateStageResource(): (body: StageResourceSpec) => Promise<void> {
  const client = useQueryClient();
  return async (body) => {
    await payload(createEndpointModel({ path: PROJECT, body }));
    await client.invalidateQueries({ queryKey: ["endpoint-stage", "one", body.endpointStageId] });
  };
}

/** Takes a model off a stage (SR-23). */
export function useDeleteStageResource(stageId: string): (id: string) => Promise<void> {
  const client = useQueryClient();
  return async (id) => {
    await payload(deleteEndpointModel({ path: { ...PROJECT, endpoint_model_id: id } }));
    await client.invalidateQueries({ queryKey: ["endpoint-stage", "one", stageId] });
  };
}
