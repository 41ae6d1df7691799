import { useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { changeModel } from "@/lib/api/generated/sdk.gen";
import type { ModelChange } from "@/lib/api/generated/types.gen";

/** Changes name, description or tags (MD-17, MD-23). */
export function useChangeModel(id: string): (body: ModelChange) => Promise<void> {
  const client = useQueryClient();
  return async (body) => {
    await payload(changeModel({ path: { ...PROJECT, model_id: id }, body }));
    await client.invalidateQueries({ queryKey: ["model"] });
  };
}
