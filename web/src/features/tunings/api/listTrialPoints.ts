import { useQueries } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { listTrialPoints } from "@/lib/api/generated/sdk.gen";
import type { PointListAnswer, PointView } from "@/lib/api/generated/types.gen";

async function fetchPoints(tuningId: string, trialId: string, metricName: string): Promise<PointView[]> {
  const found: PointView[] = [];
  let step: number | null = 0;
  while (step !== null) {
    const answer: PointListAnswer = await payload(listTrialPoints({ path: { ...PROJECT, tuning_id: tuningId, trial_id: trialId }, query: { metricName, step } }));
    found.push(...answer.pointList);
    step = answer.nextStep;
  }
  return found;
}

/** The values of a metric, step by step, of each of some trials; undefined while they are asked for. */
export const useTrialPoints = (tuningId: string, trialIds: readonly string[], metric: string) =>
  useQueries({
    queries: trialIds.map((trialId) => ({ queryKey: ["trial", "points", trialId, metric], queryFn: () => fetchPoints(tuningId, trialId, metric) })),
    combine: (results) => ({ points: results.map(({ data }) => data), error: results.find(({ error }) => error !== null)?.error ?? null }),
  });
