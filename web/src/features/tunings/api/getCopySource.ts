import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getTuningCopySource } from "@/lib/api/generated/sdk.gen";
import type { TuningSpec } from "@/lib/api/generated/types.gen";

/** The settings of a tuning as a creation body (GN-14). */
export const fetchCopySource = async (id: string): Promise<TuningSpec> =>
  (await payload(getTuningCopySource({ path: { ...PROJECT, tuning_id: id } }))).copySource as unknown as TuningSpec;

export const useCopySource = (id: string) => useQuery({ queryKey: ["hyperparameter-tuning", "copy-source", id], queryFn: () => fetchCopySource(id) });
