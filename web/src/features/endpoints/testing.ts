/** An endpoint as the API shows one, for tests. */
export const FLAVOR = { id: "f1", name: "m2.c1m2", vcpus: 1, ram: 2048, disk: 0, gpuFlavor: false, gpuCount: 0, gpuMemory: 0, gpuModel: null, coreTypeCode: "CPU" };

export const MODEL = {
  modelId: "m1", modelName: "iris", modelStatusCode: "ACTIVE", modelFormatCode: "SKLEARN", modelTypeCode: "SKLEARN", frameworkCode: null, formatCode: null,
};

const resource = (id: string, stageId: string, stageName: string) => ({
  endpointModelId: id, endpointModelStatusCode: "ACTIVE", statusReason: null, description: null, appKey: "local", createdDatetime: "2026-01-31T08:00:00Z",
  endpointId: "e1", endpointName: "shop", endpointStatusCode: "ACTIVE", endpointStageId: stageId, endpointStageStatusCode: "ACTIVE", modelId: "m1", modelStatusCode: "ACTIVE",
  stage: { stageId, deployStatus: "ACTIVE", stageUrl: `127.0.0.1:10443/shop/${stageName}` }, model: MODEL, podCount: 1, runningPodCount: 1, isAsleep: false,
  resourceOptionDetail: { cpu: "0.9", memory: "1792Mi", gpu: "0" }, requestedResource: {}, podAutoScaler: null, apigwResourceUri: "",
  apigwEndpointUri: `127.0.0.1:10443/shop/${stageName}/iris/v1/models/iris/predict`, warningList: [], isFinished: true,
});

/** The default stage, with `changes`. */
export const stageOf = (changes: object = {}) => ({
  endpointStageId: "s1", endpointStageName: "default", endpointStageStatusCode: "ACTIVE", statusReason: null, description: null, appKey: "local",
  createdDatetime: "2026-01-31T08:00:00Z", endpointId: "e1", endpointName: "shop", endpointStatusCode: "ACTIVE", apigwStageId: "s1", apigwStageName: "default",
  apigwStageUrl: "127.0.0.1:10443/shop/default", apigwDefaultStageUrl: "127.0.0.1:10443/shop", deployStatus: "ACTIVE", deployMessage: null, logAndCrashAppKey: null, useLog: false,
  flavor: FLAVOR, autoScaler: null, nodeCount: 1, wantedNodeCount: 1, isActiveNodeGroupStatus: true, runtimeVersion: "v1", isClusterLatest: true, expiredDatetime: null,
  isDefaultStage: true, defaultStage: true, isDefaultStageCandidate: false, podCount: 1, runningPodCount: 1, endpointModelList: [resource("r1", "s1", "default")], tagList: [],
  isFinished: true, ...changes,
});

/** Another stage. */
export const NEXT = stageOf({
  endpointStageId: "s2", endpointStageName: "next", apigwStageName: "next", apigwStageUrl: "127.0.0.1:10443/shop/next", apigwDefaultStageUrl: null, isDefaultStage: false,
  defaultStage: false, endpointModelList: [resource("r2", "s2", "next")],
});

/** An endpoint with both. */
export const ENDPOINT = {
  endpointId: "e1", endpointName: "shop", endpointStatusCode: "ACTIVE", statusReason: null, description: null, appKey: "local", createdDatetime: "2026-01-31T08:00:00Z",
  apigwAppKey: "local", apigwRegion: "local", apigwServiceId: "e1", apigwDefaultStageUrl: "127.0.0.1:10443/shop", deployStatus: "ACTIVE", apiKeyEnable: false, isClusterLatest: true,
  expiredDatetime: null, defaultStageChange: null, endpointStageList: [stageOf(), NEXT], tagList: [], isFinished: true,
};

/** What a stage would take that has to wait. */
export const PREVIEW = {
  flavor: FLAVOR, nodeCount: 1, base: { cpu: "0.1", memory: "256Mi", gpu: "0" }, usable: { cpu: "0.9", memory: "1792Mi", gpu: "0" }, demand: { cpu: "1", memory: "2Gi", gpu: "0" },
  fit: { isFitting: false, missing: { cpu: "1", memory: "0Mi", gpu: "0" }, heldByList: [], message: "Waits for 1 vCPU, held by chat." }, fitsBesideDefault: null,
  modelList: [{
    modelId: "m1", modelName: "iris", modelStatusCode: "ACTIVE", podCount: 1, resourceOptionDetail: { cpu: "0.9", memory: "1792Mi", gpu: "0" }, percentageOfUsable: 100,
    loadSeconds: null, memoryBytes: null, warningList: [],
  }],
};
