import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { createContainer } from "@/lib/api/generated/sdk.gen";

/** Makes a container; one that exists stays as it is. */
export function useCreateContainer() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (containerName: string) => payload(createContainer({ path: PROJECT, body: { containerName } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["storage"] }),
  });
}
