import { useQueries } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { listTrainings, listTunings } from "@/lib/api/generated/sdk.gen";
import type { TrainingStatus, TuningStatus } from "@/lib/api/generated/types.gen";

/** What would block the deletion of an experiment. */
export interface Blocking {
  kind: "training" | "hyperparameter-tuning";
  id: string;
  name: string;
  status: string;
}

const TRAININGS: TrainingStatus[] = [
  "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "RUNNING", "COMPLETE_IN_PROGRESS", "STOP_IN_PROGRESS", "FAIL_TRAIN_IN_PROGRESS",
];
const TUNINGS: TuningStatus[] = [
  "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "RUNNING", "COMPLETE_IN_PROGRESS", "STOP_IN_PROGRESS", "FAIL_HYPERPARAMETER_TUNING_IN_PROGRESS",
];
// More are not told one by one.
const ROWS = 20;

async function blockingTrainings(id: string): Promise<Blocking[]> {
  const query = { experimentId: id, trainingStatusCodeList: TRAININGS, limit: ROWS };
  const { trainingList } = await payload(listTrainings({ path: PROJECT, query }));
  return trainingList.map((one) => ({ kind: "training", id: one.trainingId, name: one.trainingName, status: one.trainingStatusCode }));
}

async function blockingTunings(id: string): Promise<Blocking[]> {
  const query = { experimentId: id, hyperparameterTuningStatusCodeList: TUNINGS, limit: ROWS };
  const { hyperparameterTuningList } = await payload(listTunings({ path: PROJECT, query }));
  return hyperparameterTuningList.map((one) => ({
    kind: "hyperparameter-tuning", id: one.hyperparameterTuningId, name: one.hyperparameterTuningName, status: one.hyperparameterTuningStatusCode,
  }));
}

/** Trainings and tunings of an experiment that have not ended: these block its deletion (EX-08, EX-20). */
export const useBlocking = (id: string): Blocking[] =>
  useQueries({
    queries: [
      { queryKey: ["training", "list", { blocking: id }], queryFn: () => blockingTrainings(id) },
      { queryKey: ["hyperparameter-tuning", "list", { blocking: id }], queryFn: () => blockingTunings(id) },
    ],
    combine: (results) => results.flatMap((result) => result.data ?? []),
  });
