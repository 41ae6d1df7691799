import { useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { deleteModel } from "@/lib/api/generated/sdk.gen";

/** Deletes models, one after the other; the first refusal ends it. Their artifacts stay. */
export function useDeleteModels(): (ids: readonly string[]) => Promise<void> {
  const client = useQueryClient();
  return async (ids) => {
    try {
      for (const id of ids) await payload(deleteModel({ path: { ...PROJECT, model_id: id } }));
    } finally {
      await client.invalidateQueries({ queryKey: ["model", "list"] });
    }
  };
}
