import { useQuery } from "@tanstack/react-query";

import { modelPath, type Metadata } from "../protocol";
import { tryStage } from "./tryStage";

/** What a model that is served says of itself (OI-08); null if it does not answer, or not so. */
export const useMetadata = (stageId: string, modelName: string, enabled: boolean) => useQuery({
  queryKey: ["endpoint-stage", "metadata", stageId, modelName], enabled,
  queryFn: async (): Promise<Metadata | null> => {
    const tried = await tryStage(stageId, { method: "GET", resourcePath: modelPath(modelName, "metadata") });
    if (tried.statusCode !== 200) return null;
    try {
      return JSON.parse(tried.body) as Metadata;
    } catch {
      return null;
    }
  },
});
