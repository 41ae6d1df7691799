import { payload, PROJECT } from "@/lib/api/client";
import { getTrainingCopySource } from "@/lib/api/generated/sdk.gen";
import type { TrainingSpec, TrainingTemplateSpec } from "@/lib/api/generated/types.gen";

/** The settings of a training as those of a template. */
export async function fetchTrainingAsTemplate(trainingId: string): Promise<TrainingTemplateSpec> {
  const answer = await payload(getTrainingCopySource({ path: { ...PROJECT, training_id: trainingId } }));
  // The API describes it as any object: it is what creates a training.
  const { trainingName, ...form } = answer.copySource as unknown as TrainingSpec;
  // Of a pipeline is the one training, not what is made after its pattern.
  delete form.parentPipelineRunId;
  delete form.parentPipelineRunTaskName;
  return { ...form, trainingTemplateName: trainingName };
}
