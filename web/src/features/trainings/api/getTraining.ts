import { useQueries, type UseQueryResult } from "@tanstack/react-query";

import { useResource } from "@/components/resource";
import { payload, PROJECT } from "@/lib/api/client";
import { getTraining } from "@/lib/api/generated/sdk.gen";
import type { TrainingView } from "@/lib/api/generated/types.gen";

const fetchTraining = async (id: string) => (await payload(getTraining({ path: { ...PROJECT, training_id: id } }))).training;

export const useTraining = (id: string) => useResource("training", id, () => fetchTraining(id));

const together = (results: UseQueryResult<TrainingView>[]) => ({
  trainings: results.flatMap(({ data }) => data ?? []),
  errors: results.flatMap(({ error }) => error ?? []),
  isPending: results.some(({ isPending }) => isPending),
});

/** Several trainings, in the order of their ids; `errors`: why some are not among them. */
export const useTrainingsOf = (ids: readonly string[]) =>
  useQueries({ queries: ids.map((id) => ({ queryKey: ["training", "one", id], queryFn: () => fetchTraining(id) })), combine: together });
