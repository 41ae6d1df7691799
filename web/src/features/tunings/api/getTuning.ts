import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getTuning } from "@/lib/api/generated/sdk.gen";

/** One tuning with its best trial. */
export const useTuning = (id: string) =>
  useQuery({
    queryKey: ["hyperparameter-tuning", "one", id],
    queryFn: async () => (await payload(getTuning({ path: { ...PROJECT, tuning_id: id } }))).hyperparameterTuning,
  });
