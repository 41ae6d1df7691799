import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getExperiment } from "@/lib/api/generated/sdk.gen";

export const useExperiment = (id: string) =>
  useQuery({
    queryKey: ["experiment", "one", id],
    queryFn: async () => (await payload(getExperiment({ path: { ...PROJECT, experiment_id: id } }))).experiment,
  });
