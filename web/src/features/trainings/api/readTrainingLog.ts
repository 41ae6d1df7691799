import { APPKEY, payload, PROJECT } from "@/lib/api/client";
import { readTrainingLog } from "@/lib/api/generated/sdk.gen";
import type { ReadLog } from "@/lib/logFeed";

/** Reads what a node of a training wrote. */
export const readLogOf = (id: string, node: number): ReadLog => async (offset, limit, waitSeconds, signal) =>
  (await payload(readTrainingLog({ path: { ...PROJECT, training_id: id }, query: { node, offset, limit, waitSeconds }, signal }))).log;

const logUrl = (id: string, node: number, what: string): string => `/v1.0/appkeys/${APPKEY}/trainings/${id}/logs/${what}?node=${String(node)}`;

export const logStreamUrl = (id: string, node: number): string => logUrl(id, node, "stream");
export const logDownloadUrl = (id: string, node: number): string => logUrl(id, node, "raw");
