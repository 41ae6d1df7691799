/** A job's settings in the words of the command line and of the SDK. */
import { shellWord } from "@/lib/words";

import { DEFAULT_MINUTES, type JobValues } from "./jobForm";

/** A text as Python writes it. */
export const pythonText = (text: string): string => JSON.stringify(text);

/** A command over several lines; options without a value are left out. */
export function commandLine(command: string, options: readonly (readonly [string, string | number | boolean | null | undefined])[]): string {
  const words = options.flatMap(([name, value]) => {
    if (value === undefined || value === null || value === "" || value === false) return [];
    return value === true ? [name] : [`${name} ${shellWord(String(value))}`];
  });
  return [command, ...words].join(" \\\n    ");
}

type Options = (readonly [string, string | number | boolean | null | undefined])[];

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

/** A call in Python; arguments without a value are left out, and every value is Python already. */
export function pythonCall(call: string, options: readonly (readonly [string, string | null])[]): string {
  const lines = options.filter(([, value]) => value !== null).map(([name, value]) => `    ${name}=${value ?? ""},`);
  return [`${call}(`, ...lines, ")"].join("\n");
}

/** A text as Python writes it; null if there is none. */
export const optionalText = (text: string | null | undefined): string | null => (text == null || text === "" ? null : pythonText(text));

/** A list in Python of calls, one a line; null if it is empty. */
export const pythonList = (items: readonly string[]): string | null =>
  (items.length === 0 ? null : `[\n${items.map((item) => `        ${item},\n`).join("")}    ]`);
