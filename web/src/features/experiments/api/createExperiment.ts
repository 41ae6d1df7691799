import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { checkExperiment, createExperiment } from "@/lib/api/generated/sdk.gen";
import type { ExperimentSpec } from "@/lib/api/generated/types.gen";

export function useCreateExperiment() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: ExperimentSpec) => (await payload(createExperiment({ path: PROJECT, body }))).experiment,
    onSuccess: () => client.invalidateQueries({ queryKey: ["experiment", "list"] }),
  });
}

/** Asks whether this would be created; throws with the fields at fault. */
export const askExperiment = (body: ExperimentSpec) => payload(checkExperiment({ path: PROJECT, body }));
