import { useQuery, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { createGatewayResource, deleteGatewayResource, deployEndpointStage, getGatewaySettings } from "@/lib/api/generated/sdk.gen";
import type { DeploymentView, GatewayResourceSpec } from "@/lib/api/generated/types.gen";

const at = (id: string) => ({ path: { ...PROJECT, endpoint_stage_id: id } });

/** What is deployed to the gateway for a stage (GW-03). */
export const useGatewaySettings = (stageId: string) =>
  useQuery({ queryKey: ["endpoint-stage", "gateway", stageId], queryFn: async () => (await payload(getGatewaySettings(at(stageId)))).gatewaySettings });

/** What can be done there: deploy by hand (GW-04), paths of one's own (EP-15). */
export function useGateway(stageId: string) {
  const client = useQueryClient();
  const told = () => client.invalidateQueries({ queryKey: ["endpoint-stage", "gateway", stageId] });
  return {
    deploy: async (): Promise<DeploymentView> => {
      const { deployment } = await payload(deployEndpointStage(at(stageId)));
      await told();
      return deployment;
    },
    addPath: async (body: GatewayResourceSpec): Promise<void> => {
      await payload(createGatewayResource({ ...at(stageId), body }));
      await told();
    },
    deletePath: async (name: string): Promise<void> => {
      await payload(deleteGatewayResource({ path: { ...at(stageId).path, resource_name: name } }));
      await told();
    },
  };
}
