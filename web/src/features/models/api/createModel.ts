import { useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { checkModel as askCheck, createModel } from "@/lib/api/generated/sdk.gen";
import type { ModelSpec, ModelView } from "@/lib/api/generated/types.gen";

/** Asks for a model; its artifact is examined afterwards. */
export function useCreateModel(): (body: ModelSpec) => Promise<ModelView> {
  const client = useQueryClient();
  return async (body) => {
    const { model } = await payload(createModel({ path: PROJECT, body }));
    await client.invalidateQueries({ queryKey: ["model", "list"] });
    return model;
  };
}

/** Asks whether a model could be made so; throws `ApiError` with the fields at fault. */
export async function checkModel(body: ModelSpec): Promise<void> {
  await payload(askCheck({ path: PROJECT, body }));
}
