import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { listTrials } from "@/lib/api/generated/sdk.gen";

/** All trials of a tuning, in the order in which they were made. */
export const useTrials = (tuningId: string) =>
  useQuery({
    queryKey: ["hyperparameter-tuning", "trials", tuningId],
    queryFn: async () => (await payload(listTrials({ path: { ...PROJECT, tuning_id: tuningId } }))).trialList,
  });
