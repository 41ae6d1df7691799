/** What stages are made of: models that can be deployed, and endpoints. */
import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getModel, listEndpoints, listModels } from "@/lib/api/generated/sdk.gen";
import type { ModelView } from "@/lib/api/generated/types.gen";

const CHOICES = 100;

/** ACTIVE models, newest first, whose names hold `keyword` (SR-01). */
export const useActiveModels = (keyword: string) => useQuery({
  queryKey: ["model", "list", "active", keyword],
  queryFn: async () => (await payload(listModels({ path: PROJECT, query: { modelStatusCodeList: ["ACTIVE"], keyword: keyword || undefined, limit: CHOICES } }))).modelList,
});

/** One model; null if there is none of this id any more. */
export const useModelChoice = (id: string) => useQuery<ModelView>({
  queryKey: ["model", "one", id], enabled: id !== "",
  queryFn: async () => (await payload(getModel({ path: { ...PROJECT, model_id: id } }))).model,
});

/** Endpoints that take another stage. */
export const useEndpointChoices = () => useQuery({
  queryKey: ["endpoint", "list", "choices"],
  queryFn: async () => (await payload(listEndpoints({
    path: PROJECT, query: { endpointStatusCodeList: ["ACTIVE", "UPDATE_IN_PROGRESS", "UPDATE_FAILED"], limit: CHOICES },
  }))).endpointList,
});
