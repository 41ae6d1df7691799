import { useResource } from "@/components/resource";
import { payload, PROJECT } from "@/lib/api/client";
import { getEndpoint, listEndpointEvents } from "@/lib/api/generated/sdk.gen";

const at = (id: string) => ({ path: { ...PROJECT, endpoint_id: id } });

/** One endpoint with its stages. */
export const useEndpoint = (id: string, enabled = true) =>
  useResource("endpoint", id, async () => (await payload(getEndpoint(at(id)))).endpoint, enabled);

/** What happened to it, oldest first. */
export const fetchEndpointEvents = async (id: string) => (await payload(listEndpointEvents(at(id)))).eventList;
