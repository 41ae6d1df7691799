/** What the forms of trainings and templates have in common (TT-02): the fields, and what they hold when nobody has filled them. */
import type { FormErrors, GetInputPropsOptions, GetInputPropsReturnType } from "@mantine/form";
import type { ReactNode } from "react";

import type { TrainingTemplateSpec } from "@/lib/api/generated/types.gen";

export type JobValues = Omit<TrainingTemplateSpec, "trainingTemplateName" | "schemaVersion">;

/** A form, as far as fields that several forms have need it. */
export interface JobForm {
  getInputProps: (path: string, options?: GetInputPropsOptions) => GetInputPropsReturnType;
  getValues: () => JobValues;
  errors: FormErrors;
}

export const DEFAULT_MINUTES = 720 * 60;

export const EMPTY_JOB = {
  experimentId: "", imageId: "", flavorId: "", instanceCount: 1, useTorchrun: false, nprocPerNode: 0, sourceDirUri: "", entryPoint: "",
  hyperparameterList: [], datasetList: [], checkPointInputUri: "", modelUploadUri: "", checkPointUploadUri: "", useLog: false,
  timeoutMinutes: DEFAULT_MINUTES, tagList: [],
} satisfies JobValues;

/** What a key becomes in a job's environment: upper case, and `_` for what variables cannot hold (EV-02, HY-06). */
export const variableSuffix = (key: string): string => key.toUpperCase().replace(/[^A-Z0-9_]/g, "_");

/** The fault of a list, or of a part of one of its rows. */
export const rowErrors = (form: JobForm, list: string) => (index?: number, part?: string): ReactNode =>
  form.errors[index === undefined ? list : `${list}.${String(index)}.${part ?? ""}`];
