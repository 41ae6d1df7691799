import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getEndpoint, listEndpointEvents } from "@/lib/api/generated/sdk.gen";

const at = (id: string) => ({ path: { ...PROJECT, endpoint_id: id } });

/** One endpoint with its stages. */
export const useEndpoint = (id: string, enabled = true) =>
  useQuery({ queryKey: ["endpoint", "one", id], enabled, queryFn: async () => (await payload(getEndpoint(at(id)))).endpoint });

/** What happened to it, oldest first. */
export const fetchEndpointEvents = async (id: string) => (await payload(listEndpointEvents(at(id)))).eventList;
