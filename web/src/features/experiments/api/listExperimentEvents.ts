import { payload, PROJECT } from "@/lib/api/client";
import { listExperimentEvents } from "@/lib/api/generated/sdk.gen";
import type { EventView } from "@/lib/api/generated/types.gen";

/** The history of an experiment, oldest first. */
export const fetchExperimentEvents = async (id: string): Promise<EventView[]> =>
  (await payload(listExperimentEvents({ path: { ...PROJECT, experiment_id: id } }))).eventList;
