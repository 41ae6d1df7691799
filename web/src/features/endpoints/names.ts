/** Names of what forms know by their ids, for the request in other words. */
import { useQuery } from "@tanstack/react-query";

import { flavorsQuery } from "@/lib/catalogue";

import { useActiveModels } from "./api/choices";
import type { Names } from "./stageForm";

export function useNames(endpoint: string): Names {
  const { data: models = [] } = useActiveModels("");
  const { data: flavors = [] } = useQuery(flavorsQuery());
  return {
    model: (id) => models.find((model) => model.modelId === id)?.modelName ?? id,
    flavor: (id) => flavors.find((flavor) => flavor.id === id)?.name ?? id,
    endpoint,
  };
}
