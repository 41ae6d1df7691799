import { useResource } from "@/components/resource";
import { payload, PROJECT } from "@/lib/api/client";
import { getExperiment } from "@/lib/api/generated/sdk.gen";

export const useExperiment = (id: string) =>
  useResource("experiment", id, async () => (await payload(getExperiment({ path: { ...PROJECT, experiment_id: id } }))).experiment);
