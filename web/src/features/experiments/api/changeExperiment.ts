import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { changeExperiment } from "@/lib/api/generated/sdk.gen";
import type { ExperimentChange } from "@/lib/api/generated/types.gen";

/** Changes name or description (EX-09). */
export function useChangeExperiment(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: ExperimentChange) => payload(changeExperiment({ path: { ...PROJECT, experiment_id: id }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["experiment"] }),
  });
}
