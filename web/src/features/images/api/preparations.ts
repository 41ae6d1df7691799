import { useQueries } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getImagePreparation } from "@/lib/api/generated/sdk.gen";
import type { PreparationView } from "@/lib/api/generated/types.gen";

export const preparationKey = (imageId: string) => ["image", "preparation", imageId] as const;

/** How far the environment of each image is; the stream tells of its steps. */
export function usePreparations(imageIds: readonly string[]): ReadonlyMap<string, PreparationView> {
  const queries = useQueries({
    queries: imageIds.map((imageId) => ({
      queryKey: preparationKey(imageId),
      queryFn: async () => (await payload(getImagePreparation({ path: { ...PROJECT, image_id: imageId } }))).preparation,
    })),
  });
  return new Map(queries.flatMap(({ data }) => (data === undefined ? [] : [[data.imageId, data] as const])));
}
