import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { deleteTraining } from "@/lib/api/generated/sdk.gen";

/** Deletes trainings that have ended, never what they stored (TR-53, GN-12). */
export function useDeleteTrainings() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (ids: readonly string[]) => Promise.all(ids.map((id) => payload(deleteTraining({ path: { ...PROJECT, training_id: id } })))),
    // Pages of those that are gone are not asked again: there is nothing to find.
    onSettled: () => client.invalidateQueries({ queryKey: ["training", "list"] }),
  });
}
