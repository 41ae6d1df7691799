import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { deleteTuning } from "@/lib/api/generated/sdk.gen";

/** Deletes a tuning that has ended, with its trials and their logs (HP-81). */
export function useDeleteTuning() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => payload(deleteTuning({ path: { ...PROJECT, tuning_id: id } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["hyperparameter-tuning", "list"] }),
  });
}
