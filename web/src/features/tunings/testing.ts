/** Tunings and trials for tests; what a test does not name is ordinary. */
import type { TrialView, TuningView } from "@/lib/api/generated/types.gen";

export function makeTrial({ lr = "0.1", ...fields }: Partial<TrialView> & { lr?: string } = {}): TrialView {
  const number = fields.number ?? 1;
  return {
    trialId: `trial${String(number)}`, trialName: `iris-${String(number)}`, trialStatusCode: "SUCCEEDED", hyperparameterTuningId: "tuning1", hyperparameterList: [{ parameterName: "lr", parameterValue: lr }],
    trialMetricList: [], number, objectiveValue: 0.5, statusReason: null, createdDatetime: "2026-01-31T08:00:00Z", startedDatetime: "2026-01-31T08:00:00Z", finishedDatetime: "2026-01-31T08:01:00Z",
    elapsedTimeSeconds: 60, modelUploadUri: "obs://local/v1/AUTH_local/models/iris/trial", modelList: [], ...fields,
  };
}

export function makeTuning(fields: Partial<TuningView> = {}): TuningView {
  return {
    hyperparameterTuningId: "tuning1", hyperparameterTuningName: "iris", hyperparameterTuningStatusCode: "COMPLETE", hyperparameterTuningStatusReason: "MaxTrialsReached", statusReason: null, description: null, appKey: "local",
    createdDatetime: "2026-01-31T08:00:00Z", startedDatetime: "2026-01-31T08:00:00Z", finishedDatetime: "2026-01-31T08:05:00Z",
    experiment: { experimentId: "exp1", experimentName: "demo", experimentStatusCode: "ACTIVE", appKey: "local", createdDatetime: "2026-01-31T08:00:00Z" },
    instanceCount: 2, useTorchrun: false, nprocPerNode: 0, useLog: false, sourceDirUri: "obs://local/v1/AUTH_local/code/iris", entryPoint: "train.py", modelUploadUri: "obs://local/v1/AUTH_local/models/iris",
    checkPointInputUri: null, checkPointUploadUri: null, timeoutMinutes: 43200, elapsedTimeSeconds: 300, datasetList: [], flavor: { id: "f1", name: "m2.c1m2", vcpus: 1, ram: 2048, gpuFlavor: false, gpuCount: 0, coreTypeCode: "CPU" },
    image: null, bootStorage: { storageSize: 50 }, dataStorageList: [], modelList: [], tagList: [], isFinished: true, isStoppable: false,
    hyperparameterSpecList: [{ hyperparameterName: "lr", hyperparameterTypeCode: "double", hyperparameterMinValue: "0.001", hyperparameterMaxValue: "0.1", hyperparameterStep: null, hyperparameterSpecifiedValues: null }],
    metricList: [{ name: "loss" }], metricRegex: null, objectiveMetricName: "loss", objectiveTypeCode: "MINIMIZE", objectiveGoal: null, maxFailedTrialCount: null, maxTrialCount: 4, parallelTrialCount: 2,
    tuningStrategyName: "RANDOM", tuningStrategyRandomState: null, earlyStoppingAlgorithm: null, earlyStoppingMinTrialCount: null, earlyStoppingStartStep: null,
    successfulTrialCount: 3, runningTrialCount: 0, failedTrialCount: 1, createdTrialCount: 0, killedTrialCount: 0, earlyStoppedTrialCount: 0, optimalTrialId: "trial1", optimalTrial: makeTrial(), gridSize: null, warningList: [], ...fields,
  };
}
