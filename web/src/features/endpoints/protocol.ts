/** The inference protocol as people use it (OI): paths of a model below its stage, and requests made from what it says of itself. */

export interface TensorSpec {
  name: string;
  datatype: string;
  shape: readonly number[];
}

/** What a model answers to OI-08. */
export interface Metadata {
  name: string;
  platform?: string;
  inputs?: readonly TensorSpec[];
  outputs?: readonly TensorSpec[];
}

export type Api =
  | "models" | "model" | "predict" | "explain" | "server" | "live" | "ready" | "metadata" | "modelready" | "infer" | "completions" | "chat";

interface Route {
  api: Api;
  method: "GET" | "POST";
  /** Below the model's name; `{name}` stands for it. */
  path: string;
}

/** OI-01…OI-12. */
export const ROUTES: readonly Route[] = [
  { api: "predict", method: "POST", path: "v1/models/{name}/predict" },
  { api: "infer", method: "POST", path: "v2/models/{name}/infer" },
  { api: "chat", method: "POST", path: "openai/v1/chat/completions" },
  { api: "completions", method: "POST", path: "openai/v1/completions" },
  { api: "explain", method: "POST", path: "v1/models/{name}/explain" },
  { api: "metadata", method: "GET", path: "v2/models/{name}" },
  { api: "modelready", method: "GET", path: "v2/models/{name}/ready" },
  { api: "models", method: "GET", path: "v1/models" },
  { api: "model", method: "GET", path: "v1/models/{name}" },
  { api: "server", method: "GET", path: "v2" },
  { api: "live", method: "GET", path: "v2/health/live" },
  { api: "ready", method: "GET", path: "v2/health/ready" },
];

/** Path of an API of a model, below the stage's URL. */
export function modelPath(modelName: string, api: Api): string {
  const name = encodeURIComponent(modelName);
  const path = ROUTES.find((route) => route.api === api)?.path ?? "";
  return `/${name}/${path.replaceAll("{name}", name)}`;
}

export const methodOf = (api: Api): "GET" | "POST" => ROUTES.find((route) => route.api === api)?.method ?? "POST";

/** True for a body that wants its answer piece by piece (OI-19). */
export function asksForStream(body: string | null | undefined): boolean {
  try {
    return (JSON.parse(body ?? "") as { stream?: unknown } | null)?.stream === true;
  } catch {
    return false;
  }
}

// Longer ones are no examples any more.
const MAXIMUM_ELEMENTS = 64;

/** One row for a model: what varies has the size 1, numbers are 0.5 or 1; null if one would be too long to read. */
export function exampleTensors(metadata: Metadata): { name: string; shape: number[]; datatype: string; data: unknown[] }[] | null {
  const tensors = (metadata.inputs ?? []).map(({ name, datatype, shape }) => {
    const sizes = shape.length === 0 ? [1] : shape.map((size) => (size === -1 ? 1 : size));
    const count = Math.min(sizes.reduce((product, size) => product * size, 1), MAXIMUM_ELEMENTS + 1);
    return { name, shape: sizes, datatype, data: Array.from({ length: count }, () => exampleValue(datatype)) };
  });
  const size = tensors.reduce((sum, tensor) => sum + tensor.data.length, 0);
  return tensors.length === 0 || size > MAXIMUM_ELEMENTS ? null : tensors;
}

function exampleValue(datatype: string): unknown {
  if (datatype === "BYTES") return "A text to look at.";
  if (datatype === "BOOL") return true;
  return /^(FP|BF)/.test(datatype) ? 0.5 : 1;
}

/** Flat data as lists in lists. */
function nested(data: readonly unknown[], shape: readonly number[]): unknown {
  const [first = 1, ...rest] = shape;
  if (rest.length === 0) return data;
  const step = data.length / Math.max(first, 1);
  return Array.from({ length: first }, (_, index) => nested(data.slice(index * step, (index + 1) * step), rest));
}

/** Version 1 instances of one row, likewise. */
export function exampleInstances(metadata: Metadata): unknown[] | null {
  const tensors = exampleTensors(metadata);
  if (tensors === null || tensors.some((tensor) => tensor.shape[0] === 0)) return null;
  const rows = Object.fromEntries(tensors.map((tensor) => [tensor.name, (nested(tensor.data, tensor.shape) as unknown[])[0]]));
  const values = Object.values(rows);
  return [values.length === 1 ? values[0] : rows];
}

export const generatesText = (metadata: Metadata | null | undefined): boolean => metadata?.platform?.startsWith("transformers_text") === true;

/** A body that a model answers, by what it says of itself; "" for what takes none. */
export function exampleBody(api: Api, modelName: string, metadata: Metadata | null | undefined): string {
  switch (api) {
    case "predict": case "explain":
      return pretty({ instances: (metadata == null ? null : exampleInstances(metadata)) ?? [[6.8, 2.8, 4.8, 1.4]] });
    case "infer":
      return pretty({ inputs: (metadata == null ? null : exampleTensors(metadata)) ?? [{ name: "input", shape: [1, 1], datatype: "FP32", data: [0.5] }] });
    case "completions": return pretty({ model: modelName, prompt: "Once upon a time", max_tokens: 64 });
    case "chat": return pretty({ model: modelName, messages: [{ role: "user", content: "Hello!" }], max_tokens: 64 });
    default: return "";
  }
}

/** JSON as people read it: rows of numbers stay in one line. */
export function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(/\[\n\s*([^[\]{}]*?)\n\s*\]/g, (_, inside: string) => `[${inside.replaceAll(/\s*\n\s*/g, " ")}]`);
}

// What is longer is shown as it came: nobody reads it to its end.
const MAXIMUM_PRETTY = 500_000;

/** A text that is JSON, indented; anything else as it is. */
export function prettyText(text: string): string {
  if (text.length > MAXIMUM_PRETTY) return text;
  try {
    return pretty(JSON.parse(text));
  } catch {
    return text;
  }
}
