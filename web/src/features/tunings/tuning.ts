/** What a tuning permits now (HP-78…HP-82), and how its trials stand, for pages that show it. */
import type { TrialView, TuningView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";

export const TUNING_STATUSES = [
  "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "RUNNING", "COMPLETE_IN_PROGRESS", "COMPLETE", "STOP_IN_PROGRESS", "STOPPED",
  "FAIL_HYPERPARAMETER_TUNING_IN_PROGRESS", "FAIL_HYPERPARAMETER_TUNING", "CREATE_FAILED",
] as const;

export const TRIAL_STATUSES = ["CREATED", "RUNNING", "SUCCEEDED", "KILLED", "FAILED", "METRICS_UNAVAILABLE", "EARLY_STOPPED"] as const;

export const isBroken = (tuning: TuningView): boolean => tuning.hyperparameterTuningStatusCode === "BROKEN";
export const isDeletable = (tuning: TuningView): boolean => tuning.isFinished || isBroken(tuning);
export const isBeingCreated = (tuning: TuningView): boolean => tuning.hyperparameterTuningStatusCode.startsWith("CREATE_") && !tuning.isFinished;
export const isLess = (tuning: TuningView): boolean => tuning.objectiveTypeCode === "MINIMIZE";

/** Trials that have ended, in whatever way: what counts toward the maximum (HP-42). */
export const endedCount = (tuning: TuningView): number =>
  tuning.successfulTrialCount + tuning.failedTrialCount + tuning.killedTrialCount + tuning.earlyStoppedTrialCount;

/** How many trials there will be at most; null: as many as it takes. */
export function plannedCount(tuning: TuningView): number | null {
  const limits = [tuning.maxTrialCount, tuning.gridSize].filter((limit) => limit !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}

/** A status with the detail that COMPLETE has in parentheses (HP-51). */
export function statusDetail(tuning: TuningView): string | null {
  return tuning.hyperparameterTuningStatusCode === "COMPLETE" ? tuning.hyperparameterTuningStatusReason : null;
}

/** A value as tables have room for it: of a number the digits that matter. */
export const shownValue = (text: string): string => (text.trim() !== "" && Number.isFinite(Number(text)) ? compact(Number(text)) : text);

/** A hyperparameter's value in a trial: a number where it is one. */
export function valueOf(trial: Pick<TrialView, "hyperparameterList">, name: string): number | string | null {
  const text = trial.hyperparameterList.find(({ parameterName }) => parameterName === name)?.parameterValue;
  if (text === undefined) return null;
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
