import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { previewEndpointStage } from "@/lib/api/generated/sdk.gen";
import type { StagePreview } from "@/lib/api/generated/types.gen";

const TYPING_MS = 300;

/** What a stage would take and whether it fits, while somebody fills in its form; asked once there is enough to ask with. */
export function useStagePreview(body: StagePreview) {
  const [wanted] = useDebouncedValue(JSON.stringify(body), TYPING_MS);
  const asked = JSON.parse(wanted) as StagePreview;
  const isEnough = asked.flavorId !== "" && asked.endpointModelResourceList.length > 0 && asked.endpointModelResourceList.every((each) => each.modelId !== "");
  return useQuery({
    // Whatever is booked or given back changes the answer, as the queue's own.
    queryKey: ["queue", "stage-preview", wanted], enabled: isEnough, placeholderData: keepPreviousData, gcTime: 0,
    queryFn: async () => (await payload(previewEndpointStage({ path: PROJECT, body: asked }))).endpointStagePreview,
  });
}
