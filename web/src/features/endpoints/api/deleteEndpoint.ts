import { useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { deleteEndpoint, deleteEndpointStage, retryEndpointDeletion } from "@/lib/api/generated/sdk.gen";

/** Deletes endpoints, one after the other; the first refusal ends it (EP-36, EP-37). */
export function useDeleteEndpoints(): (ids: readonly string[]) => Promise<void> {
  const client = useQueryClient();
  return async (ids) => {
    try {
      for (const id of ids) await payload(deleteEndpoint({ path: { ...PROJECT, endpoint_id: id } }));
    } finally {
      await client.invalidateQueries({ queryKey: ["endpoint"] });
    }
  };
}

/** Lets a deletion that hangs be tried again now (EP-31). */
export function useRetryDeletion(id: string): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await payload(retryEndpointDeletion({ path: { ...PROJECT, endpoint_id: id } }));
    await client.invalidateQueries({ queryKey: ["endpoint"] });
  };
}

/** Deletes a stage (ST-02, ST-03). */
export function useDeleteStage(): (id: string) => Promise<void> {
  const client = useQueryClient();
  return async (id) => {
    await payload(deleteEndpointStage({ path: { ...PROJECT, endpoint_stage_id: id } }));
    await client.invalidateQueries({ queryKey: ["endpoint"] });
    await client.invalidateQueries({ queryKey: ["endpoint-stage", "one", id] });
  };
}
