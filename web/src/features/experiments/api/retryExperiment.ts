import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { retryExperiment } from "@/lib/api/generated/sdk.gen";

/** Repairs an experiment whose creation failed (EX-06). */
export function useRetryExperiment() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => payload(retryExperiment({ path: { ...PROJECT, experiment_id: id } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["experiment"] }),
  });
}
