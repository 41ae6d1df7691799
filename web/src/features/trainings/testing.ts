/** Trainings as tests have the daemon show them. */
import type { FlavorView, ImageView, TrainingView } from "@/lib/api/generated/types.gen";

export const FLAVOR: FlavorView = { id: "m2.c1m2", name: "m2.c1m2", vcpus: 1, ram: 2048, gpuFlavor: false, gpuCount: 0, coreTypeCode: "CPU" };
export const IMAGE: ImageView = {
  imageId: "pytorch", imageName: "PyTorch Training", description: "", imageTypeCode: "TRAINING", groupTypeCode: "TRAINING", coreTypeCode: "CPU",
  frameworkCode: "PYTORCH", frameworkVersion: "2.13.0", pythonVersion: "3.11",
};

export function training(trainingName: string, trainingStatusCode: string, more: Partial<TrainingView> = {}): TrainingView {
  const isFinished = ["COMPLETE", "FAIL_TRAIN", "STOPPED", "CREATE_FAILED"].includes(trainingStatusCode);
  return {
    trainingId: `id-of-${trainingName}`, trainingName, trainingStatusCode, statusReason: null, description: null, appKey: "local",
    createdDatetime: "2026-01-31T08:00:00Z", startedDatetime: "2026-01-31T08:00:01Z", finishedDatetime: isFinished ? "2026-01-31T08:10:00Z" : null,
    experiment: null, instanceCount: 1, useTorchrun: false, nprocPerNode: 0, useLog: false, sourceDirUri: null, entryPoint: "train.py",
    modelUploadUri: "obs://local/v1/AUTH_local/demo/models", checkPointInputUri: null, checkPointUploadUri: null, timeoutMinutes: 43200,
    elapsedTimeSeconds: 599, datasetList: [], flavor: FLAVOR, image: IMAGE, bootStorage: { storageSize: 50 }, dataStorageList: [], modelList: [],
    tagList: [], isFinished, isStoppable: ["RUNNING", "CREATE_REQUESTED"].includes(trainingStatusCode), hyperparameterList: [], ...more,
  };
}
