import { payload, PROJECT } from "@/lib/api/client";
import { listTuningEvents } from "@/lib/api/generated/sdk.gen";
import type { EventView } from "@/lib/api/generated/types.gen";

/** What happened to a tuning, oldest first. */
export const fetchTuningEvents = async (id: string): Promise<EventView[]> =>
  (await payload(listTuningEvents({ path: { ...PROJECT, tuning_id: id } }))).eventList;
