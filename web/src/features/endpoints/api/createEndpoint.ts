import { useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { createEndpoint, createEndpointStage } from "@/lib/api/generated/sdk.gen";
import type { EndpointSpec, EndpointView, StageSpec, EndpointStageView } from "@/lib/api/generated/types.gen";

/** Asks for an endpoint with its default stage. */
export function useCreateEndpoint(): (body: EndpointSpec) => Promise<EndpointView> {
  const client = useQueryClient();
  return async (body) => {
    const { endpoint } = await payload(createEndpoint({ path: PROJECT, body }));
    await client.invalidateQueries({ queryKey: ["endpoint", "list"] });
    return endpoint;
  };
}

/** Asks for one more stage of an endpoint (ST-01). */
export function useCreateStage(): (body: StageSpec) => Promise<EndpointStageView> {
  const client = useQueryClient();
  return async (body) => {
    const { endpointStage } = await payload(createEndpointStage({ path: PROJECT, body }));
    await client.invalidateQueries({ queryKey: ["endpoint"] });
    return endpointStage;
  };
}
