import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { reclaimDisk } from "@/lib/api/generated/sdk.gen";

/** Removes what nothing needs. Environments go with it, so images may have to be prepared again. */
export function useReclaimDisk() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (placeList: string[]) => (await payload(reclaimDisk({ path: PROJECT, body: { placeList } }))).reclaimed,
    onSettled: () => Promise.all([
      client.invalidateQueries({ queryKey: ["disk"] }), client.invalidateQueries({ queryKey: ["image"] }), client.invalidateQueries({ queryKey: ["queue", "machine"] }),
    ]),
  });
}
