import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { payload, PROJECT } from "@/lib/api/client";
import { tryEndpointStage } from "@/lib/api/generated/sdk.gen";
import type { TriedView, TryOut } from "@/lib/api/generated/types.gen";

import { asksForStream } from "../protocol";
import { useAbort } from "../useAbort";
import { streamStage } from "./streamStage";

/** Sends a request to a stage, by way of the daemon: pages may not ask another origin. */
export async function tryStage(stageId: string, body: TryOut): Promise<TriedView> {
  return (await payload(tryEndpointStage({ path: { ...PROJECT, endpoint_stage_id: stageId }, body }))).tried;
}

/** Sends requests, one at a time. An answer that is asked for as a stream grows; what there is of it stays if it breaks off. */
export function useTryStage(stageId: string) {
  const abort = useAbort();
  const [answer, setAnswer] = useState<TriedView | null>(null);
  const [isWhole, setWhole] = useState(false);
  const { mutate, variables, error, isPending } = useMutation({
    mutationFn: async (body: TryOut) => {
      const signal = abort.begin();
      setAnswer(null);
      setWhole(false);
      try {
        setAnswer(asksForStream(body.body) ? await streamStage(stageId, body, signal, setAnswer) : await tryStage(stageId, body));
        setWhole(true);
      } catch (failure) {
        // Whoever stops it knows why it ends.
        if (!signal.aborted) throw failure;
      }
    },
  });
  const canStop = isPending && asksForStream(variables.body);
  return { send: mutate, answer, isWhole, error, isPending, stop: canStop ? abort.stop : null };
}
