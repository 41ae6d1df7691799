import { useQuery, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { changeApiKey, getApiKey } from "@/lib/api/generated/sdk.gen";

const at = (id: string) => ({ path: { ...PROJECT, endpoint_id: id } });

/** The key that calls need (GW-L05); asked for when somebody wants to see it. */
export const useApiKey = (id: string, enabled: boolean) =>
  useQuery({ queryKey: ["endpoint", "api-key", id], enabled, queryFn: async () => (await payload(getApiKey(at(id)))).endpointApiKey.apiKey });

/** Makes a new key, with which the former one ends, or lets calls need none. */
export function useSetApiKey(id: string): (isNeeded: boolean) => Promise<void> {
  const client = useQueryClient();
  return async (isNeeded) => {
    await payload(changeApiKey({ ...at(id), body: { apiKeyEnable: isNeeded } }));
    await client.invalidateQueries({ queryKey: ["endpoint"] });
  };
}
