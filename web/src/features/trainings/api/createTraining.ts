import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { checkTraining, createTraining } from "@/lib/api/generated/sdk.gen";
import type { TrainingSpec } from "@/lib/api/generated/types.gen";

export function useCreateTraining() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: TrainingSpec) => (await payload(createTraining({ path: PROJECT, body }))).training,
    onSuccess: () => client.invalidateQueries({ queryKey: ["training", "list"] }),
  });
}

/** Asks whether this would be created; throws with the fields at fault. */
export const askTraining = (body: TrainingSpec) => payload(checkTraining({ path: PROJECT, body }));
