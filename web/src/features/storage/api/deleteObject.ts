import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { deleteObject } from "@/lib/api/generated/sdk.gen";

/** Deletes a file, or with `recursive` a folder or a whole container. */
export function useDeleteObject() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (query: { uri: string; recursive: boolean }) => payload(deleteObject({ path: PROJECT, query })),
    onSettled: () => client.invalidateQueries({ queryKey: ["storage"] }),
  });
}
