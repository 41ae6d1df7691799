import { queryOptions, useQueries, useQuery, type UseQueryResult } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { listTrainingMetrics } from "@/lib/api/generated/sdk.gen";
import type { TrainingMetricView, TrainingView } from "@/lib/api/generated/types.gen";

// No stream tells that a training wrote a value. Asked for only while it runs and somebody looks.
const EVERY_MS = 2000;
// More than a chart has pixels for would only take its time.
const MOST_POINTS = 500;

const metricsOf = ({ trainingId, startedDatetime, isFinished }: TrainingView) => queryOptions({
  queryKey: ["training", "metrics", trainingId],
  queryFn: async ({ signal }) =>
    (await payload(listTrainingMetrics({ path: { ...PROJECT, training_id: trainingId }, query: { maxPoints: MOST_POINTS }, signal }))).metricList,
  refetchInterval: startedDatetime === null || isFinished ? false : EVERY_MS,
});

/** What a training logged, step by step (TR-34). */
export const useMetrics = (training: TrainingView) => useQuery(metricsOf(training));

const together = (results: UseQueryResult<TrainingMetricView[]>[]) =>
  ({ metricLists: results.map(({ data }) => data), error: results.find(({ error }) => error !== null)?.error ?? null });

/** The metrics of several trainings, in their order; undefined while they are asked for. */
export const useMetricsOf = (trainings: readonly TrainingView[]) => useQueries({ queries: trainings.map(metricsOf), combine: together });
