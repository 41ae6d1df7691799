/** What a model can be made from: a training, or the best trial of a tuning (MD-15). */
import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getTraining, getTuning, listTrainings, listTunings } from "@/lib/api/generated/sdk.gen";

// As many as a picker shows before somebody types.
const CHOICES = 50;

/** Trainings that have ended well, newest first, whose names hold `keyword`. */
export const useCompleteTrainings = (keyword: string, enabled: boolean) => useQuery({
  queryKey: ["training", "list", "complete", keyword], enabled,
  queryFn: async () => (await payload(listTrainings({
    path: PROJECT, query: { trainingStatusCodeList: ["COMPLETE"], keyword: keyword || undefined, limit: CHOICES },
  }))).trainingList,
});

/** Tunings that have ended well, likewise. */
export const useCompleteTunings = (keyword: string, enabled: boolean) => useQuery({
  queryKey: ["hyperparameter-tuning", "list", "complete", keyword], enabled,
  queryFn: async () => (await payload(listTunings({
    path: PROJECT, query: { hyperparameterTuningStatusCodeList: ["COMPLETE"], keyword: keyword || undefined, limit: CHOICES },
  }))).hyperparameterTuningList,
});

/** The training that the address names. */
export const useSourceTraining = (id: string | null) => useQuery({
  queryKey: ["training", "one", id ?? ""], enabled: id !== null,
  queryFn: async () => (await payload(getTraining({ path: { ...PROJECT, training_id: id ?? "" } }))).training,
});

/** The tuning that the address names. */
export const useSourceTuning = (id: string | null) => useQuery({
  queryKey: ["hyperparameter-tuning", "one", id ?? ""], enabled: id !== null,
  queryFn: async () => (await payload(getTuning({ path: { ...PROJECT, tuning_id: id ?? "" } }))).hyperparameterTuning,
});
