import { useInfiniteQuery, type InfiniteData } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { searchLogs } from "@/lib/api/generated/sdk.gen";
import type { LogSearchAnswer } from "@/lib/api/generated/types.gen";

import { beginOf, type Back } from "../range";

const PAGE_ENTRIES = 200;

export interface LogConditions {
  query: string;
  /** How far back from now; without it: all there is. */
  back?: Back;
}

/** The conditions in the API's words, as of now. */
export const wordsOf = ({ query, back }: LogConditions) => ({ query, from: back && beginOf(back, Date.now()) });

/** The newest entries that meet a query, and older ones as somebody asks for them. */
export const useLogSearch = (conditions: LogConditions) =>
  useInfiniteQuery<LogSearchAnswer, Error, InfiniteData<LogSearchAnswer>, readonly unknown[], number | null>({
    queryKey: ["logs", conditions], staleTime: 0, retry: false, refetchOnMount: "always",
    queryFn: ({ pageParam }) => payload(searchLogs({ path: PROJECT, query: { ...wordsOf(conditions), limit: PAGE_ENTRIES, before: pageParam ?? undefined } })),
    initialPageParam: null,
    getNextPageParam: (page) => page.nextCursor,
  });
