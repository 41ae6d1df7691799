import { useResource } from "@/components/resource";
import { payload, PROJECT } from "@/lib/api/client";
import { getTraining } from "@/lib/api/generated/sdk.gen";

export const useTraining = (id: string) =>
  useResource("training", id, async () => (await payload(getTraining({ path: { ...PROJECT, training_id: id } }))).training);
