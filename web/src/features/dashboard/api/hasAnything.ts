import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { listEndpoints, listExperiments, listModels } from "@/lib/api/generated/sdk.gen";

/** False while nobody has made anything: every training belongs to an experiment. */
export function useHasAnything(): boolean | undefined {
  const first = { path: PROJECT, query: { limit: 1 } } as const;
  const experiments = useQuery({ queryKey: ["experiment", "list", "any"], queryFn: async () => (await payload(listExperiments(first))).experimentList.length });
  const models = useQuery({ queryKey: ["model", "list", "any"], queryFn: async () => (await payload(listModels(first))).modelList.length });
  const endpoints = useQuery({ queryKey: ["endpoint", "list", "any"], queryFn: async () => (await payload(listEndpoints(first))).endpointList.length });
  const counts = [experiments.data, models.data, endpoints.data];
  if (counts.some((count) => (count ?? 0) > 0)) return true;
  return counts.some((count) => count === undefined) ? undefined : false;
}
