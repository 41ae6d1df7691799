import { APPKEY, payload, PROJECT } from "@/lib/api/client";
import { readTrainingLog } from "@/lib/api/generated/sdk.gen";
import type { ReadLog } from "@/lib/logFeed";

/** Reads the log of a trial, which is the training of the same id. */
export const readTrialLog = (trialId: string): ReadLog => async (offset, limit, waitSeconds, signal) =>
  (await payload(readTrainingLog({ path: { ...PROJECT, training_id: trialId }, query: { offset, limit, waitSeconds }, signal }))).log;

/** Where the log of a trial comes as events, or as a file. */
export const trialLogUrl = (trialId: string, way: "stream" | "raw"): string => `/v1.0/appkeys/${APPKEY}/trainings/${trialId}/logs/${way}`;
