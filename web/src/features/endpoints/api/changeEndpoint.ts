import { useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { changeEndpoint, changeEndpointStage } from "@/lib/api/generated/sdk.gen";
import type { EndpointChange } from "@/lib/api/generated/types.gen";

/** Changes description or tags of an endpoint; its name is a part of URLs and stays. */
export function useChangeEndpoint(id: string): (body: EndpointChange) => Promise<void> {
  const client = useQueryClient();
  return async (body) => {
    await payload(changeEndpoint({ path: { ...PROJECT, endpoint_id: id }, body }));
    await client.invalidateQueries({ queryKey: ["endpoint"] });
  };
}

/** Changes description or tags of a stage, likewise. */
export function useChangeStage(id: string): (body: EndpointChange) => Promise<void> {
  const client = useQueryClient();
  return async (body) => {
    await payload(changeEndpointStage({ path: { ...PROJECT, endpoint_stage_id: id }, body }));
    await client.invalidateQueries({ queryKey: ["endpoint-stage", "one", id] });
  };
}
