import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { checkTuning, createTuning } from "@/lib/api/generated/sdk.gen";
import type { TuningSpec } from "@/lib/api/generated/types.gen";

/** Asks for a tuning; returns it. */
export function useCreateTuning() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: TuningSpec) => (await payload(createTuning({ path: PROJECT, body }))).hyperparameterTuning,
    onSuccess: () => client.invalidateQueries({ queryKey: ["hyperparameter-tuning", "list"] }),
  });
}

/** Asks whether a tuning would be taken; nothing is created. Throws `ApiError` with the fields at fault. */
export const checkTuningBody = (body: TuningSpec) => payload(checkTuning({ path: PROJECT, body }));
