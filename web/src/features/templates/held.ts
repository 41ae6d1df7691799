/** What a template holds: only what somebody filled in (TT-03). */
import { EMPTY_JOB } from "@/components/job/jobForm";
import type { TrainingTemplateChange, TrainingTemplateSpec } from "@/lib/api/generated/types.gen";

export const EMPTY_TEMPLATE: TrainingTemplateSpec = { ...EMPTY_JOB, trainingTemplateName: "", description: "" };

/** Leaves out what is as the empty form has it, so that using the template leaves these fields alone. */
export function heldOf(body: TrainingTemplateSpec): TrainingTemplateSpec {
  const empty = EMPTY_TEMPLATE as Record<string, unknown>;
  const held = Object.entries(body).filter(([field, value]) => JSON.stringify(value) !== JSON.stringify(empty[field]));
  return Object.fromEntries(held) as unknown as TrainingTemplateSpec;
}

type Removed = NonNullable<TrainingTemplateChange["removedFieldList"]>;

/** The change that makes a template hold `body`: fields that it held and that are empty now are removed. */
export function changeTo(body: TrainingTemplateSpec, before: TrainingTemplateSpec): TrainingTemplateChange {
  const held = heldOf(body);
  delete held.schemaVersion;
  const removed = Object.keys(before).filter((field) => !(field in held) && field !== "schemaVersion" && field !== "trainingTemplateName");
  return { ...held, ...(removed.length === 0 ? {} : { removedFieldList: removed as Removed }) };
}
