import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { analyseTuning } from "@/lib/api/generated/sdk.gen";

/** History, best so far, importance of hyperparameters, and the lines of parallel coordinates. */
export const useAnalysis = (tuningId: string) =>
  useQuery({
    queryKey: ["hyperparameter-tuning", "analysis", tuningId],
    queryFn: async () => (await payload(analyseTuning({ path: { ...PROJECT, tuning_id: tuningId } }))).analysis,
  });
