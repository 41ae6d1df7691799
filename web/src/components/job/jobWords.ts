/** A job's settings in the words of the command line. */
import type { Options } from "@/lib/words";

import { DEFAULT_MINUTES, type JobValues } from "./jobForm";

/** Options that the commands of trainings and templates share; those that are as they would be anyway are left out. */
export function jobOptions(body: JobValues): Options {
  const { instanceCount = 1, timeoutMinutes = DEFAULT_MINUTES, nprocPerNode = 0 } = body;
  return [
    ["--image", body.imageId], ["--flavor", body.flavorId], ["--source", body.sourceDirUri], ["--entry-point", body.entryPoint],
    ...(body.hyperparameterList ?? []).map((one) => ["--param", `${one.parameterName}=${one.parameterValue ?? ""}`] as const),
    ...(body.datasetList ?? []).map((one) => ["--dataset", `${one.datasetName}=${one.dataUri}`] as const),
    ["--checkpoint-input", body.checkPointInputUri], ["--model-output", body.modelUploadUri], ["--checkpoint-output", body.checkPointUploadUri],
    ["--nodes", instanceCount === 1 ? null : instanceCount], ["--torchrun", body.useTorchrun],
    ["--processes-per-node", nprocPerNode === 0 ? null : nprocPerNode], ["--timeout-hours", timeoutMinutes === DEFAULT_MINUTES ? null : timeoutMinutes / 60],
    ["--data-storage-size", body.dataStorageSize], ["--use-log", body.useLog],
    ...(body.tagList ?? []).map((one) => ["--tag", `${one.tagKey}=${one.tagValue ?? ""}`] as const),
  ];
}
