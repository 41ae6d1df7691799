import { errorOf, payload, PROJECT } from "@/lib/api/client";
import { client } from "@/lib/api/generated/client.gen";
import type { StreamTriedEndpointStageData, TriedEndView, TriedHeadView, TriedPieceView, TriedView, TryOut } from "@/lib/api/generated/types.gen";

import { EventText } from "../sse";

const URL: StreamTriedEndpointStageData["url"] = "/v1.0/appkeys/{appkey}/endpoint-stages/{endpoint_stage_id}/try/stream";

/**
 * Sends a request to a stage, by way of the daemon, and tells what there is of the answer whenever it has grown. Throws what
 * `onGrown` throws; an error also where the answer breaks off or `signal` ends it: what was told until then stays good.
 */
export async function streamStage(stageId: string, body: TryOut, signal: AbortSignal, onGrown: (answer: TriedView) => void): Promise<TriedView> {
  // Not the generated call: that one asks again by itself where a stream breaks off, and keeps to itself why one is refused.
  const stream = await payload(client.post<{ 200: ReadableStream<Uint8Array<ArrayBuffer>> }>({
    url: URL, path: { ...PROJECT, endpoint_stage_id: stageId }, body, headers: { "Content-Type": "application/json" }, parseAs: "stream", signal,
  }));
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  const events = new EventText();
  let answer: TriedView = { statusCode: 0, headerList: [], body: "", bodyEncoding: "TEXT", isBodyCut: false, milliseconds: 0 };
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => { throw errorOf(undefined, undefined); });
      if (done) throw errorOf(undefined, undefined);
      let end: TriedEndView | null = null;
      const before = answer;
      for (const { name, data } of events.push(value)) {
        if (name === "head") answer = { ...answer, ...(JSON.parse(data) as TriedHeadView) };
        else if (name === "piece") answer = { ...answer, body: answer.body + (JSON.parse(data) as TriedPieceView).content };
        else if (name === "end") end = JSON.parse(data) as TriedEndView;
      }
      if (answer !== before) onGrown(answer);
      if (end === null) continue;
      if (end.failureMessage !== null) throw new Error(end.failureMessage);
      return { ...answer, isBodyCut: end.isBodyCut, milliseconds: end.milliseconds };
    }
  } finally {
    // It may have been read to its end, or have failed by itself.
    reader.cancel().catch(() => undefined);
  }
}
