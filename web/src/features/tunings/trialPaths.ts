import { paths } from "@/lib/paths";

/** Where a trial is shown: beside the list of all. */
export const trialPath = (tuningId: string, trialId: string): string => `${paths.tunings.one(tuningId, "trials")}&trial=${trialId}`;

/** Where something of one trial is shown, such as its log. */
export const trialTab = (tuningId: string, trialId: string, tab: "logs" | "metrics" | "monitoring"): string =>
  `${paths.tunings.one(tuningId, tab)}&trial=${trialId}`;
