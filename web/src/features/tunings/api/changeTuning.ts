import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { changeTuning } from "@/lib/api/generated/sdk.gen";
import type { TuningChange } from "@/lib/api/generated/types.gen";

/** Changes name, description or tags (GN-13). */
export function useChangeTuning(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: TuningChange) => payload(changeTuning({ path: { ...PROJECT, tuning_id: id }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["hyperparameter-tuning"] }),
  });
}
