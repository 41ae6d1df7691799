import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { deleteExperiment } from "@/lib/api/generated/sdk.gen";

/** Deletes experiments; what ended in them is kept (EX-21). */
export function useDeleteExperiments() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (ids: readonly string[]) => Promise.all(ids.map((id) => payload(deleteExperiment({ path: { ...PROJECT, experiment_id: id } })))),
    onSettled: () => client.invalidateQueries({ queryKey: ["experiment", "list"] }),
  });
}
