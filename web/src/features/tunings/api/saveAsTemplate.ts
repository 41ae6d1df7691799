import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { createTrainingTemplate } from "@/lib/api/generated/sdk.gen";
import type { TrainingTemplateSpec, TuningView } from "@/lib/api/generated/types.gen";

import { fetchCopySource } from "./getCopySource";

/** What a template takes of a tuning: all but the search, with the best trial's hyperparameters if there is one (TT-03). */
async function templateOf(tuning: TuningView, name: string): Promise<TrainingTemplateSpec> {
  const source = await fetchCopySource(tuning.hyperparameterTuningId);
  const { experimentId, imageId, flavorId, modelUploadUri, timeoutMinutes, useLog, useTorchrun, nprocPerNode, dataStorageSize, algorithmId, sourceDirUri, entryPoint, datasetList, checkPointInputUri, checkPointUploadUri, tagList } = source;
  return {
    trainingTemplateName: name, experimentId, imageId, flavorId, modelUploadUri, timeoutMinutes, useLog, useTorchrun, nprocPerNode, dataStorageSize, algorithmId, sourceDirUri, entryPoint,
    datasetList, checkPointInputUri, checkPointUploadUri, tagList, instanceCount: Math.max(1, Math.floor((source.instanceCount ?? 1) / (source.parallelTrialCount ?? 1))),
    hyperparameterList: tuning.optimalTrial?.hyperparameterList,
  };
}

/** Makes a training template of a tuning; returns its id. */
export function useSaveAsTemplate(tuning: TuningView) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (name: string) => (await payload(createTrainingTemplate({ path: PROJECT, body: await templateOf(tuning, name) }))).trainingTemplate.trainingTemplateId,
    onSuccess: () => client.invalidateQueries({ queryKey: ["training-template", "list"] }),
  });
}
