import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { changeTraining } from "@/lib/api/generated/sdk.gen";
import type { TrainingChange } from "@/lib/api/generated/types.gen";

/** Changes name, description or tags (GN-13). */
export function useChangeTraining(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: TrainingChange) => payload(changeTraining({ path: { ...PROJECT, training_id: id }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["training"] }),
  });
}
