import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { stopTraining } from "@/lib/api/generated/sdk.gen";

/** Asks trainings to end (TR-50). */
export function useStopTrainings() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (ids: readonly string[]) => Promise.all(ids.map((id) => payload(stopTraining({ path: { ...PROJECT, training_id: id } })))),
    onSettled: () => client.invalidateQueries({ queryKey: ["training"] }),
  });
}
