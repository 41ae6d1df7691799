/** Names of what forms know by their ids, for the request in other words. */
import { useActiveModels, useFlavors } from "./api/choices";
import type { Names } from "./stageForm";

export function useNames(endpoint: string): Names {
  const { data: models = [] } = useActiveModels("");
  const { data: flavors = [] } = useFlavors();
  return {
    model: (id) => models.find((model) => model.modelId === id)?.modelName ?? id,
    flavor: (id) => flavors.find((flavor) => flavor.id === id)?.name ?? id,
    endpoint,
  };
}
