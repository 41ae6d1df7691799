import { useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { payload, PROJECT } from "@/lib/api/client";
import { searchLogs } from "@/lib/api/generated/sdk.gen";
import type { LogSearchAnswer } from "@/lib/api/generated/types.gen";

import { wordsOf, type LogConditions } from "./searchLogs";

const WAIT_SECONDS = 30;
const LIMIT = 500;
// What is kept of what came while somebody followed.
const MOST_PAGES = 40;

/** While `isOn`, puts what arrives before what was found. Returns what ended it, if something did. */
export function useFollow(conditions: LogConditions, isOn: boolean): Error | null {
  const client = useQueryClient();
  const [error, setError] = useState<Error | null>(null);
  const key = JSON.stringify(conditions);
  useEffect(() => {
    if (!isOn) return;
    const abort = new AbortController();
    const wanted = JSON.parse(key) as LogConditions;
    const queryKey = ["logs", wanted];
    const follow = async (): Promise<void> => {
      setError(null);
      let after = client.getQueryData<InfiniteData<LogSearchAnswer>>(queryKey)?.pages[0]?.latestCursor;
      while (!abort.signal.aborted) {
        const page: LogSearchAnswer = await payload(searchLogs({
          path: PROJECT, signal: abort.signal, query: { ...wordsOf(wanted), limit: LIMIT, after: after ?? 0, waitSeconds: WAIT_SECONDS },
        }));
        after = page.nextCursor ?? after;
        if (page.logList.length > 0) {
          client.setQueryData<InfiniteData<LogSearchAnswer, number | null>>(queryKey, (found) => found && {
            pages: [{ ...page, logList: [...page.logList].reverse(), latestCursor: after ?? 0 }, ...found.pages].slice(0, MOST_PAGES),
            pageParams: [null, ...found.pageParams].slice(0, MOST_PAGES),
          });
        }
      }
    };
    follow().catch((refusal: unknown) => { if (!abort.signal.aborted) setError(refusal as Error); });
    return () => { abort.abort(); };
  }, [client, key, isOn]);
  return error;
}
