import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { checkTrainingTemplate, createTrainingTemplate } from "@/lib/api/generated/sdk.gen";
import type { TrainingTemplateSpec } from "@/lib/api/generated/types.gen";

/** Stores a template; the answer tells what would be refused if it were used now (TT-03). */
export function useCreateTemplate() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: TrainingTemplateSpec) => payload(createTrainingTemplate({ path: PROJECT, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["training-template", "list"] }),
  });
}

/** Asks whether this would be stored; throws with the fields at fault. */
export const askTemplate = (body: TrainingTemplateSpec) => payload(checkTrainingTemplate({ path: PROJECT, body }));
