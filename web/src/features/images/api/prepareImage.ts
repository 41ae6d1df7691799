import { useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { prepareImage } from "@/lib/api/generated/sdk.gen";

import { preparationKey } from "./preparations";

/** Begins to prepare the environment of an image. */
export function usePrepareImage() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (imageId: string) => (await payload(prepareImage({ path: { ...PROJECT, image_id: imageId } }))).preparation,
    onSuccess: (preparation) => { client.setQueryData(preparationKey(preparation.imageId), preparation); },
  });
}
