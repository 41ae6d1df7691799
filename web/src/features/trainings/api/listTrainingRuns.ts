import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { listTrainingRuns } from "@/lib/api/generated/sdk.gen";

/** With which command and environment each node was started (HY-L01). */
export const useTrainingRuns = (id: string) =>
  useQuery({
    queryKey: ["training", "runs", id],
    queryFn: async () => (await payload(listTrainingRuns({ path: { ...PROJECT, training_id: id } }))).runList,
  });
