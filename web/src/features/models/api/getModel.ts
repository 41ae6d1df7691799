import { useQuery } from "@tanstack/react-query";

import { useResource } from "@/components/resource";
import { payload, PROJECT } from "@/lib/api/client";
import { getModel, getModelExamination, listModelEvents } from "@/lib/api/generated/sdk.gen";

const at = (id: string) => ({ path: { ...PROJECT, model_id: id } });

/** One model. */
export const useModel = (id: string, enabled = true) =>
  useResource("model", id, async () => (await payload(getModel(at(id)))).model, enabled);

/** What was found in its artifact (MD-L01); null until it was looked at. */
export const useExamination = (id: string) =>
  useQuery({ queryKey: ["model", "examination", id], queryFn: async () => (await payload(getModelExamination(at(id)))).examination });

/** What happened to it, oldest first. */
export const fetchModelEvents = async (id: string) => (await payload(listModelEvents(at(id)))).eventList;
