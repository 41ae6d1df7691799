/** What the creation forms of endpoints and stages share (EP-06…EP-12): their fields, and the request in other words. */
import type { ReactNode } from "react";

import type { RequestWords } from "@/components/CreationForm";
import type { Creation } from "@/components/creation";
import type { EndpointSpec, ResourceSpec, StageSpec } from "@/lib/api/generated/types.gen";
import { commandLine, pythonCall, pythonList, pythonObject, pythonText } from "@/lib/words";

export type StageSettings = Omit<EndpointSpec, "endpointName" | "apiKeyEnable">;

export const NEW_RESOURCE: ResourceSpec = { modelId: "", podCount: 1, resourceOptionDetail: {} };

export const newSettings = (modelId: string): StageSettings => ({
  flavorId: "", nodeCount: 1, endpointModelResourceList: [{ ...NEW_RESOURCE, modelId }], description: "", useLog: false, caEnable: false, tagList: [],
});

/** A form's values by the path of a field, as `endpointModelResourceList.0.modelId`. */
export interface Fields<Values> {
  values: Values;
  set: (path: string, value: unknown) => void;
  errorOf: (path: string) => ReactNode;
}

/** The fields of any creation whose body has the settings of a stage. */
export function fieldsOf<Body extends StageSettings>({ form }: Creation<Body>): Fields<StageSettings> {
  return {
    values: form.getValues(),
    // Paths are typed by the whole body, which is another one for endpoints and for stages.
    set: (path, value) => { form.setFieldValue(path as never, value as never); },
    errorOf: (path) => form.errors[path],
  };
}

/** The fields below a path. */
export function below<Values>(fields: Fields<unknown>, path: string, values: Values): Fields<Values> {
  return {
    values,
    set: (name, value) => { fields.set(`${path}.${name}`, value); },
    errorOf: (name) => fields.errorOf(name === "" ? path : `${path}.${name}`),
  };
}

const METRICS = { CPU_UTILIZATION: "cpu", MEMORY_UTILIZATION: "memory", REQUESTS: "requests" } as const;

/** `iris,percentage=50,pods=2`, as the command line names a model with what it gets. */
function modelWords(resource: ResourceSpec, nameOf: (modelId: string) => string): string {
  const { percentage, cpu, memory, gpu } = resource.resourceOptionDetail ?? {};
  const parts = [
    ["percentage", percentage], ["cpu", cpu], ["memory", memory], ["gpu", gpu], ["pods", resource.podCount === 1 ? null : resource.podCount],
    ["path", resource.apigwResourceUri],
    ["autoscale", resource.podAutoScaleEnable === true ? `${METRICS[resource.scaleMetricCode ?? "CPU_UTILIZATION"]}:${String(resource.scaleMetricTarget ?? 50)}` : null],
    ["scale-to-zero", resource.scaleToZeroIdleMinutes === 0 ? null : resource.scaleToZeroIdleMinutes],
  ].filter(([, value]) => value !== undefined && value !== null && value !== "");
  return [nameOf(resource.modelId) || "MODEL", ...parts.map(([name, value]) => `${String(name)}=${String(value)}`)].join(",");
}

export interface Names {
  model: (modelId: string) => string;
  flavor: (flavorId: string) => string;
  endpoint: string;
}

function sharedOptions(body: StageSettings, names: Names) {
  return [
    ...body.endpointModelResourceList.map((each) => ["--model", modelWords(each, names.model)] as const),
    ["--flavor", names.flavor(body.flavorId) || "FLAVOR"], ["--nodes", body.nodeCount === 1 ? null : body.nodeCount],
    ["--node-autoscale", body.caEnable === true ? `${String(body.caMinNodeCount ?? 1)}-${String(body.caMaxNodeCount ?? 10)}` : null],
    ["--no-node-scale-in", body.caEnable === true && body.caScaleDownEnable === false],
    ["--node-threshold", body.caEnable === true ? body.caScaleDownUtilThresh : null],
    ["--node-idle-minutes", body.caEnable === true ? body.caScaleDownUnneededTime : null],
    ["--node-delay-minutes", body.caEnable === true ? body.caScaleDownDelayAfterAdd : null],
    ["--log", body.useLog], ...(body.tagList ?? []).map((tag) => ["--tag", `${tag.tagKey}=${tag.tagValue ?? ""}`] as const), ["--description", body.description],
  ] as const;
}

function sharedParameters(body: StageSettings, names: Names): (readonly [string, unknown])[] {
  const resources = body.endpointModelResourceList.map((each) => {
    // The SDK has no word for a percentage.
    const detail = Object.entries(each.resourceOptionDetail ?? {}).filter(([name, value]) => name !== "percentage" && value != null && value !== "");
    return pythonObject("easymaker.EndpointModelResource", [
      ["model_id", pythonText(each.modelId)], ["resource_option_detail", detail.length === 0 ? null : pythonObject("easymaker.ResourceOptionDetail", detail)],
      ...(each.podAutoScaleEnable === true ? [
        ["pod_auto_scale_enable", true], ["scale_metric_code", each.scaleMetricCode ?? "CPU_UTILIZATION"], ["scale_metric_target", each.scaleMetricTarget ?? 50],
      ] as const : []),
    ]);
  });
  return [
    ["instance_type_name", names.flavor(body.flavorId) || "FLAVOR"], ["instance_count", body.nodeCount === 1 ? null : body.nodeCount],
    ["endpoint_model_resource_list", pythonList(resources)], ["description", body.description],
    ["use_log", body.useLog === true ? true : null], ["autoscaler_enable", body.caEnable === true ? true : null],
    ["autoscaler_min_node_count", body.caEnable === true ? body.caMinNodeCount : null], ["autoscaler_max_node_count", body.caEnable === true ? body.caMaxNodeCount : null],
  ];
}

export const endpointWords = (names: Names) => (body: EndpointSpec): RequestWords => ({
  cli: commandLine(["easymaker-local", "endpoint", "create", body.endpointName || "NAME"], [...sharedOptions(body, names), ["--api-key", body.apiKeyEnable]]),
  sdk: pythonCall("endpoint = easymaker.Endpoint().create", [["endpoint_name", body.endpointName || "NAME"], ...sharedParameters(body, names)]),
});

export const stageWords = (names: Names) => (body: StageSpec): RequestWords => ({
  cli: commandLine(["easymaker-local", "stage", "create", names.endpoint || "ENDPOINT", body.apigwStageName || "NAME"], sharedOptions(body, names)),
  sdk: pythonCall("stage = easymaker.EndpointStage().create", [["stage_name", body.apigwStageName || "NAME"], ["endpoint_id", body.endpointId], ...sharedParameters(body, names)]),
});
