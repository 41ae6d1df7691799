import { payload, PROJECT } from "@/lib/api/client";
import { listTrainingEvents } from "@/lib/api/generated/sdk.gen";
import type { EventView } from "@/lib/api/generated/types.gen";

/** The history of a training, oldest first. */
export const fetchTrainingEvents = async (id: string): Promise<EventView[]> =>
  (await payload(listTrainingEvents({ path: { ...PROJECT, training_id: id } }))).eventList;
