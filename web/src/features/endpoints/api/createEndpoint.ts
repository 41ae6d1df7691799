import { useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { checkEndpoint as askEndpoint, checkEndpointStage as askStage, createEndpoint, createEndpointStage } from "@/lib/api/generated/sdk.gen";
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

/** Ask whether an endpoint or a stage could be made so; throw `ApiError` with the fields at fault. */
export const checkEndpoint = async (body: EndpointSpec): Promise<void> => { await payload(askEndpoint({ path: PROJECT, body })); };
export const checkStage = async (body: StageSpec): Promise<void> => { await payload(askStage({ path: PROJECT, body })); };
