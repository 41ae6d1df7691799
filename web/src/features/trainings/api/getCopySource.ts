import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getTrainingCopySource } from "@/lib/api/generated/sdk.gen";
import type { TrainingSpec } from "@/lib/api/generated/types.gen";

/** The settings of a training as a creation body (GN-14). */
export const fetchCopySource = async (id: string): Promise<TrainingSpec> =>
  // The API describes it as any object: it is what creates a training.
  (await payload(getTrainingCopySource({ path: { ...PROJECT, training_id: id } }))).copySource as unknown as TrainingSpec;

export const useCopySource = (id: string) => useQuery({ queryKey: ["training", "copySource", id], queryFn: () => fetchCopySource(id) });
