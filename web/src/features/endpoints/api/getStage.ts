import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { getEndpointStage, listEndpointModelEvents, listEndpointStageEvents, listEndpointStagePodLogs, listEndpointStagePods } from "@/lib/api/generated/sdk.gen";

const at = (id: string) => ({ path: { ...PROJECT, endpoint_stage_id: id } });

/** One stage with its resources. */
export const useStage = (id: string) =>
  useQuery({ queryKey: ["endpoint-stage", "one", id], queryFn: async () => (await payload(getEndpointStage(at(id)))).endpointStage });

/** Its pods, also those that leave, oldest first. */
export const usePods = (id: string) =>
  useQuery({ queryKey: ["endpoint-stage", "pods", id], queryFn: async () => (await payload(listEndpointStagePods(at(id)))).podList });

/** The logs that there are, also of pods that are gone; written to last at the end. */
export const usePodLogs = (id: string) =>
  useQuery({ queryKey: ["endpoint-stage", "pod-logs", id], queryFn: async () => (await payload(listEndpointStagePodLogs(at(id)))).podLogList });

/** What happened to the stage, oldest first. */
export const fetchStageEvents = async (id: string) => (await payload(listEndpointStageEvents(at(id)))).eventList;

/** What happened to one of its resources, decisions of the autoscaler among it (AS-L02). */
export const fetchResourceEvents = async (id: string) =>
  (await payload(listEndpointModelEvents({ path: { ...PROJECT, endpoint_model_id: id } }))).eventList;
