import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getTraining } from "@/lib/api/generated/sdk.gen";

export const useTraining = (id: string) =>
  useQuery({
    queryKey: ["training", "one", id],
    queryFn: async () => (await payload(getTraining({ path: { ...PROJECT, training_id: id } }))).training,
  });
