import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { stopTuning } from "@/lib/api/generated/sdk.gen";

/** Asks a tuning to end; trials that run are ended with it (HP-78). */
export function useStopTuning() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => payload(stopTuning({ path: { ...PROJECT, tuning_id: id } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["hyperparameter-tuning"] }),
  });
}
