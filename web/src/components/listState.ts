/** What a list shows, kept in the address, so that it can be shared, bookmarked and gone back to. */
import { infiniteQueryOptions, keepPreviousData, useInfiniteQuery, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useSearchParams } from "react-router";

import type { Kind } from "@/lib/kinds";

import { isLong, useLongList } from "./longList";

export type SortOrder = "ASC" | "DESC";

export interface ListState {
  keyword: string;
  statuses: string[];
  sortBy: string;
  sortOrder: SortOrder;
  hasConditions: boolean;
  setKeyword: (keyword: string) => void;
  setStatuses: (statuses: string[]) => void;
  /** Sorts by a column, or turns the order round if it is sorted by it already. */
  sort: (sortBy: string) => void;
  clear: () => void;
}

export function useListState(): ListState {
  const [params, setParams] = useSearchParams();
  return useMemo(() => {
    const { keyword, statuses, sortBy, sortOrder } = conditionsOf(params);
    const set = (changes: Record<string, string | string[] | null>): void => {
      setParams((now) => {
        const next = new URLSearchParams(now);
        for (const [name, value] of Object.entries(changes)) {
          next.delete(name);
          for (const each of Array.isArray(value) ? value : value === null || value === "" ? [] : [value]) next.append(name, each);
        }
        return next;
      }, { replace: true });
    };
    return {
      keyword, statuses, sortBy, sortOrder, hasConditions: keyword !== "" || statuses.length > 0,
      setKeyword: (value) => { set({ keyword: value }); },
      setStatuses: (value) => { set({ status: value }); },
      sort: (by) => {
        set(by === sortBy ? { sortBy: by, sortOrder: sortOrder === "ASC" ? "DESC" : "ASC" } : { sortBy: by, sortOrder: null });
      },
      clear: () => { set({ keyword: null, status: null }); },
    };
  }, [params, setParams]);
}

// More than a window shows: the first are there soon, and more come while somebody scrolls.
const PAGE_ROWS = 30;

export interface ListPage<T> {
  rows: T[];
  nextCursor: string | null;
  totalCount: number | null;
}

export interface ListQuery {
  keyword?: string;
  statuses?: string[];
  sortBy?: string;
  sortOrder?: SortOrder;
  limit: number;
  cursor?: string;
}

export type Pages<T> = InfiniteData<ListPage<T>, string | null>;

/** Asks for some rows of a list that meet the conditions. */
export type FetchRows<T> = (query: ListQuery) => Promise<ListPage<T>>;

type Conditions = Pick<ListState, "keyword" | "statuses" | "sortBy" | "sortOrder">;
const NEWEST = "createdDatetime";

/** What the address says of a list; without a word of it the newest come first. */
function conditionsOf(params: URLSearchParams): Conditions {
  const sortBy = params.get("sortBy") ?? NEWEST;
  const sortOrder = (params.get("sortOrder") ?? (sortBy === NEWEST ? "DESC" : "ASC")) === "ASC" ? "ASC" : "DESC";
  return { keyword: params.get("keyword") ?? "", statuses: params.getAll("status"), sortBy, sortOrder };
}

const askBy = <T>({ keyword, statuses, sortBy, sortOrder }: Conditions, fetch: FetchRows<T>) => (cursor: string | null): Promise<ListPage<T>> =>
  fetch({
    keyword: keyword || undefined, statuses: statuses.length === 0 ? undefined : statuses, sortBy, sortOrder, limit: PAGE_ROWS, cursor: cursor ?? undefined,
  });

function listOptions<T>(kind: Kind, conditions: Conditions, more: Readonly<Record<string, unknown>>, fetch: FetchRows<T>) {
  const { keyword, statuses, sortBy, sortOrder } = conditions;
  const ask = askBy(conditions, fetch);
  return infiniteQueryOptions<ListPage<T>, Error, Pages<T>, readonly unknown[], string | null>({
    queryKey: [kind, "list", { keyword, statuses, sortBy, sortOrder, ...more }],
    queryFn: ({ pageParam }) => ask(pageParam),
    initialPageParam: null,
    getNextPageParam: (page) => page.nextCursor,
  });
}

/** What asks for the rows that a list shows first at an address, unless they are known. */
export const preloadList = (kind: Kind, fetch: FetchRows<unknown>) => (client: QueryClient, search: URLSearchParams): void => {
  const options = listOptions(kind, conditionsOf(search), {}, fetch);
  // Not all pages of a long list, which is kept up to date otherwise.
  if (!isLong(client.getQueryData(options.queryKey))) void client.prefetchInfiniteQuery(options);
};

/** The rows that meet the conditions, page by page as somebody scrolls. `more`: what else the list is limited by. */
export function useResourceList<T extends object>(kind: Kind, state: ListState, more: Readonly<Record<string, unknown>>, fetch: FetchRows<T>) {
  const options = listOptions(kind, state, more, fetch);
  const ask = askBy(state, fetch);
  const query = useInfiniteQuery({
    ...options,
    placeholderData: keepPreviousData,
    // Whoever makes a long list stale does not make it ask for all of its pages: see `longList.ts`.
    staleTime: ({ state: { data } }) => isLong(data as Pages<T> | undefined) ? "static" : Infinity,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  useLongList(kind, options.queryKey, {
    first: () => ask(null),
    // The keyword may also be an id. A row that was listed stays if only its name meets the keyword no more.
    one: async (id, isIt) => (await fetch({ keyword: id, limit: PAGE_ROWS })).rows.find(isIt) ?? null,
    all: refetch,
  });
  const pages = query.data?.pages;
  const rows = useMemo(() => pages?.flatMap((page) => page.rows) ?? [], [pages]);
  return {
    rows, total: pages?.[0]?.totalCount ?? null, error: query.error, isPending: query.isPending, hasMore: hasNextPage, refetch,
    loadMore: () => { if (hasNextPage && !isFetchingNextPage) void fetchNextPage(); },
  };
}
