import { useInfiniteQuery, type InfiniteData } from "@tanstack/react-query";

import { rangeQuery, type ChosenRange } from "@/components/timeRangeState";
import { payload, PROJECT } from "@/lib/api/client";
import { searchLogs } from "@/lib/api/generated/sdk.gen";
import type { LogSearchAnswer } from "@/lib/api/generated/types.gen";

const PAGE_ENTRIES = 200;

export interface LogConditions {
  query: string;
  range: ChosenRange;
}

/** The conditions in the API's words, as of now. */
export const wordsOf = ({ query, range }: LogConditions) => ({ query, ...rangeQuery(range) });

/** The newest entries that meet a query, and older ones as somebody asks for them. */
export const useLogSearch = (conditions: LogConditions) =>
  useInfiniteQuery<LogSearchAnswer, Error, InfiniteData<LogSearchAnswer>, readonly unknown[], number | null>({
    queryKey: ["logs", conditions], staleTime: 0, retry: false, refetchOnMount: "always",
    queryFn: ({ pageParam }) => payload(searchLogs({ path: PROJECT, query: { ...wordsOf(conditions), limit: PAGE_ENTRIES, before: pageParam ?? undefined } })),
    initialPageParam: null,
    getNextPageParam: (page) => page.nextCursor,
  });
