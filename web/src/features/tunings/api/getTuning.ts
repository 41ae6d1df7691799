import { useResource } from "@/components/resource";
import { payload, PROJECT } from "@/lib/api/client";
import { getTuning } from "@/lib/api/generated/sdk.gen";

/** One tuning with its best trial. */
export const useTuning = (id: string) =>
  useResource("hyperparameter-tuning", id, async () => (await payload(getTuning({ path: { ...PROJECT, tuning_id: id } }))).hyperparameterTuning);
