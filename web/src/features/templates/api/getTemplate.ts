import { useQuery } from "@tanstack/react-query";

import { useResource } from "@/components/resource";
import { payload, PROJECT } from "@/lib/api/client";
import { getTrainingTemplate, getTrainingTemplateCopySource, loadTrainingTemplate } from "@/lib/api/generated/sdk.gen";
import type { TrainingTemplateSpec } from "@/lib/api/generated/types.gen";

const place = (id: string) => ({ ...PROJECT, training_template_id: id });

export const useTemplate = (id: string) =>
  useResource("training-template", id, async () => (await payload(getTrainingTemplate({ path: place(id) }))).trainingTemplate);

/** All that a template holds, as a creation body: what is copied and exported (GN-14, TT-L01). */
export const fetchTemplateSource = async (id: string): Promise<TrainingTemplateSpec> =>
  // The API describes it as any object: it is what creates a template.
  (await payload(getTrainingTemplateCopySource({ path: place(id) }))).copySource as unknown as TrainingTemplateSpec;

export const useTemplateSource = (id: string) =>
  useQuery({ queryKey: ["training-template", "copySource", id], queryFn: () => fetchTemplateSource(id) });

/** References of a template that lead nowhere here. */
export const useUnresolved = (id: string) =>
  useQuery({
    queryKey: ["training-template", "unresolved", id],
    queryFn: async () => (await payload(loadTrainingTemplate({ path: place(id), query: { for: "training" } }))).unresolvedFieldList,
  });
