/** Where a new model comes from: exactly one origin (MD-06, MD-12, MD-15), and the request in other words. */
import type { RequestWords } from "@/components/CreationForm";
import type { ModelParameter, ModelSpec } from "@/lib/api/generated/types.gen";
import { commandLine, pythonCall } from "@/lib/words";

export type Origin = "address" | "training" | "tuning" | "hub";

/** The parameter by which a model of the Hugging Face hub is named (MD-12). */
export const HUB_PARAMETER = "model_id";

/** The environment variable that a parameter becomes (MD-11): `modelId`, `model-id` and `model id` are all `MODEL_ID`. */
export const variableName = (name: string): string =>
  name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, "_").replaceAll(/[^A-Za-z0-9]+/g, "_").replaceAll(/^_+|_+$/g, "").toUpperCase();

const isHub = (parameter: ModelParameter): boolean => variableName(parameter.parameterName) === "MODEL_ID";

/** True for a parameter whose value is stored encrypted and shown masked (MD-L03). */
export const isSecret = (name: string): boolean => /token|secret|password|key/i.test(name);

export const hubIdOf = (body: Partial<ModelSpec>): string | undefined => body.parameterList?.find(isHub)?.parameterValue;

export function originOf(body: ModelSpec): Origin {
  if (body.trainingId != null && body.trainingId !== "") return "training";
  if (body.hyperparameterTuningId != null && body.hyperparameterTuningId !== "") return "tuning";
  return body.modelFormatCode === "HUGGING_FACE" && body.parameterList?.some(isHub) === true ? "hub" : "address";
}

/** What else than the origin changes in a body with another one. */
export function withOrigin(body: ModelSpec, origin: Origin): Partial<ModelSpec> {
  const others = (body.parameterList ?? []).filter((each) => !isHub(each));
  return {
    modelUploadUri: "", trainingId: "", hyperparameterTuningId: "",
    modelFormatCode: origin === "hub" ? "HUGGING_FACE" : origin === "address" ? body.modelFormatCode ?? null : null,
    parameterList: origin === "hub" ? [{ parameterName: HUB_PARAMETER, parameterValue: "" }, ...others] : others,
  };
}

const CLI_FORMATS = { TENSORFLOW: "tensorflow", PYTORCH: "pytorch", SKLEARN: "sklearn", HUGGING_FACE: "hugging-face", PYTHON: "python" } as const;

/** The same wish as a command and as a program. */
export function wordsOf(body: ModelSpec): RequestWords {
  const hub = originOf(body) === "hub" ? hubIdOf(body) : undefined;
  const others = (body.parameterList ?? []).filter((each) => hub === undefined || !isHub(each));
  const cli = commandLine(["easymaker-local", "model", "create", body.modelName || "NAME"], [
    ["--from-training", body.trainingId], ["--from-tuning", body.hyperparameterTuningId], ["--path", body.modelUploadUri], ["--hugging-face", hub],
    ["--framework", hub === undefined && body.modelFormatCode != null ? CLI_FORMATS[body.modelFormatCode] : null],
    ["--framework-version", body.frameworkVersion],
    ...others.map((each) => isSecret(each.parameterName)
      ? ["--secret", each.parameterName] as const
      : ["--parameter", `${each.parameterName}=${each.parameterValue ?? ""}`] as const),
    ...(body.tagList ?? []).map((tag) => ["--tag", `${tag.tagKey}=${tag.tagValue ?? ""}`] as const),
    ["--description", body.description],
  ]);
  const sdk = pythonCall("model = easymaker.Model().create", [
    ["model_name", body.modelName || "NAME"], ["training_id", body.trainingId], ["hyperparameter_tuning_id", body.hyperparameterTuningId],
    ["model_upload_uri", body.modelUploadUri], ["model_format_code", body.modelFormatCode],
    ["parameter_list", body.parameterList === undefined || body.parameterList.length === 0 ? null : body.parameterList.map((each) => ({
      parameterName: each.parameterName, parameterValue: isSecret(each.parameterName) ? "…" : each.parameterValue ?? "",
    }))],
    ["description", body.description],
  ]);
  return { cli, sdk };
}
