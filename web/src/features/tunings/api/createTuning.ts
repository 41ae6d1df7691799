import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { createTuning } from "@/lib/api/generated/sdk.gen";
import type { TuningSpec } from "@/lib/api/generated/types.gen";

/** Asks for a tuning; returns it. */
export function useCreateTuning() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: TuningSpec) => (await payload(createTuning({ path: PROJECT, body }))).hyperparameterTuning,
    onSuccess: () => client.invalidateQueries({ queryKey: ["hyperparameter-tuning", "list"] }),
  });
}
