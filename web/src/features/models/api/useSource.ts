import type { ModelSpec } from "@/lib/api/generated/types.gen";

import { isSecret } from "../origin";
import { useModel } from "./getModel";
import { useSourceTraining, useSourceTuning } from "./source";

const EMPTY: ModelSpec = {
  modelName: "", description: "", modelFormatCode: null, frameworkVersion: "", trainingId: "", hyperparameterTuningId: "", modelUploadUri: "",
  parameterList: [], tagList: [],
};

export interface Source {
  /** What drafts of this form are remembered under. */
  name: string;
  /** null while what the address names is asked for. */
  initial: ModelSpec | null;
  error: Error | null;
}

/** What the creation form begins with: `?training=`, `?tuning=` (GN-15) or `?copy=` name its source. */
export function useSource(params: URLSearchParams): Source {
  const [trainingId, tuningId, copyId] = [params.get("training"), params.get("tuning"), params.get("copy")];
  const training = useSourceTraining(trainingId);
  const tuning = useSourceTuning(tuningId);
  const original = useModel(copyId ?? "", copyId !== null);
  if (trainingId !== null) {
    const { data, error } = training;
    return { name: `model-of-${trainingId}`, error, initial: data === undefined ? null : { ...EMPTY, modelName: data.trainingName ?? "", trainingId } };
  }
  if (tuningId !== null) {
    const { data, error } = tuning;
    return { name: `model-of-${tuningId}`, error, initial: data === undefined ? null : { ...EMPTY, modelName: data.hyperparameterTuningName ?? "", hyperparameterTuningId: tuningId } };
  }
  if (copyId !== null) {
    const { data, error } = original;
    const initial = data === undefined ? null : {
      ...EMPTY, modelName: data.modelName, description: data.description ?? "", modelFormatCode: (data.formatCode ?? data.modelFormatCode) as ModelSpec["modelFormatCode"],
      frameworkVersion: data.frameworkVersion ?? "", modelUploadUri: data.modelUploadUri ?? "",
      // What is masked is not known here: it has to be given again.
      parameterList: data.parameterList.map(({ parameterName, parameterValue }) => ({ parameterName, parameterValue: isSecret(parameterName) ? "" : parameterValue })),
      tagList: data.tagList,
    };
    return { name: `model-copy-${copyId}`, error, initial };
  }
  return { name: "model", error: null, initial: EMPTY };
}
