import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { changeTrainingTemplate } from "@/lib/api/generated/sdk.gen";
import type { TrainingTemplateChange } from "@/lib/api/generated/types.gen";

/** Changes what a template holds (TT-07). */
export function useChangeTemplate(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: TrainingTemplateChange) => payload(changeTrainingTemplate({ path: { ...PROJECT, training_template_id: id }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["training-template"] }),
  });
}
