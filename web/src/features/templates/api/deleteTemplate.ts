import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { deleteTrainingTemplate } from "@/lib/api/generated/sdk.gen";

/** Deletes templates, at once and for good (TT-10). */
export function useDeleteTemplates() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (ids: readonly string[]) => Promise.all(ids.map((id) => payload(deleteTrainingTemplate({ path: { ...PROJECT, training_template_id: id } })))),
    onSettled: () => client.invalidateQueries({ queryKey: ["training-template", "list"] }),
  });
}
