/** What may be done with a training, and why not (TR.5, GN-27). */
import type { TFunction } from "i18next";

import type { TrainingView } from "@/lib/api/generated/types.gen";
import { statusName } from "@/lib/statuses";

export const STATUSES = [
  "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "RUNNING", "COMPLETE_IN_PROGRESS", "COMPLETE", "STOP_IN_PROGRESS", "STOPPED",
  "FAIL_TRAIN_IN_PROGRESS", "FAIL_TRAIN", "CREATE_FAILED",
] as const;

type T = TFunction<"trainings">;

const ofTuning = (training: TrainingView, t: T): string | null => (training.hyperparameterTuningId == null ? null : t("isTrial"));

export const stopRefusal = (training: TrainingView, t: T): string | null =>
  ofTuning(training, t) ?? (training.isStoppable ? null : t("notStoppable", { status: statusName(training.trainingStatusCode) }));

export function deleteRefusal(training: TrainingView, t: T): string | null {
  const trial = ofTuning(training, t);
  if (trial !== null) return trial;
  if (!training.isFinished && training.trainingStatusCode !== "BROKEN") return t("notDeletable", { status: statusName(training.trainingStatusCode) });
  if (training.modelList.length > 0) return t("usedByModels", { names: training.modelList.map((model) => model.modelName).join(", ") });
  return null;
}

export const changeRefusal = ofTuning;

export const modelRefusal = (training: TrainingView, t: T): string | null =>
  training.trainingStatusCode === "COMPLETE" ? null : t("noModelYet", { status: statusName(training.trainingStatusCode) });

/** Nothing runs or ran yet: there is nothing to monitor (TR-37). */
export const monitoringRefusal = (training: TrainingView, t: T): string | null =>
  training.startedDatetime === null ? t("notStarted") : null;

// One is not compared with anything, and more than ten lines are told apart by nobody.
const [FEWEST, MOST] = [2, 10];

/** So many trainings cannot be compared. */
export const compareRefusal = (count: number, t: T): string | null => (count < FEWEST || count > MOST ? t("compareCount", { fewest: FEWEST, most: MOST }) : null);

/** TensorBoard shows one experiment at a time (EX-05). */
export const tensorboardRefusal = (trainings: readonly TrainingView[], t: T): string | null =>
  trainings[0]?.experiment != null && trainings.every(({ experiment }) => experiment?.experimentId === trainings[0]?.experiment?.experimentId) ? null : t("compareOne");
