/** A list of which somebody has loaded many pages: a change costs a request or two, not one for every page. */
import { hashKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useRef } from "react";

import { idField, type Kind } from "@/lib/kinds";
import { onChanges, type Change } from "@/lib/live";

import type { ListPage, Pages } from "./listState";

/** So many pages are asked for again whatever changed, which also puts their rows in order. */
const FEW_PAGES = 3;

export const isLong = (data: Pages<unknown> | undefined): data is Pages<unknown> => data !== undefined && data.pages.length > FEW_PAGES;

/** How a list asks the daemon. */
export interface Asking<T> {
  first: () => Promise<ListPage<T>>;
  /** Null: it is gone, or does not meet the conditions any more. */
  one: (id: string, isIt: (row: T) => boolean) => Promise<T | null>;
  all: () => Promise<unknown>;
}

/**
 * Keeps a long list up to date: its first page is asked for again, for what is new, and each row that changed.
 *
 * A row stays in its place even if the order is another one now. When nobody looks at it, the list becomes short again.
 */
export function useLongList<T extends object>(kind: Kind, queryKey: readonly unknown[], ask: Asking<T>): void {
  const client = useQueryClient();
  // One after the other, so that what was asked first does not replace what came later.
  const turn = useRef(Promise.resolve());
  const field = idField(kind);
  const idOf = (row: T): string => String((row as Record<string, unknown>)[field]);

  const update = async (ids: ReadonlySet<string>): Promise<void> => {
    const before = client.getQueryData<Pages<T>>(queryKey);
    if (before === undefined) return;
    const first = await ask.first();
    const known = new Set(before.pages.flatMap((page) => page.rows.map(idOf)));
    const fresh = new Set(first.rows.map(idOf));
    const asked = [...ids].filter((id) => known.has(id) && !fresh.has(id));
    const isApart = first.rows.length > 0 && !first.rows.some((row) => known.has(idOf(row)));
    if (isApart || asked.length >= before.pages.length) { await ask.all(); return; }
    const rows = new Map(await Promise.all(asked.map(async (id) => [id, await ask.one(id, (row) => idOf(row) === id)] as const)));
    // A page that is on its way would be put behind the rows of before; the table asks for it again.
    await client.cancelQueries({ queryKey, exact: true });
    client.setQueryData<Pages<T>>(queryKey, (now) => now && merged(now, first, rows, idOf));
  };

  const changed = useEffectEvent((changes: readonly Change[] | null): void => {
    if (!isLong(client.getQueryData(queryKey))) return;
    const ids = new Set(changes?.flatMap((change) => change.kind === kind && change.resourceId != null ? [change.resourceId] : []));
    if (changes !== null && ids.size === 0) return;
    // What could not be asked for one by one is asked for as ever, and fails as ever.
    turn.current = turn.current.then(() => changes === null ? ask.all() : update(ids)).catch(() => ask.all()).then(() => undefined);
  });
  useEffect(() => onChanges((changes) => { changed(changes); }), []);

  const hash = hashKey(queryKey);
  useEffect(() => () => {
    const key = client.getQueryCache().get(hash)?.queryKey;
    const data = key && client.getQueryData<Pages<unknown>>(key);
    if (key === undefined || !isLong(data)) return;
    client.setQueryData<Pages<unknown>>(key, { pages: data.pages.slice(0, FEW_PAGES), pageParams: data.pageParams.slice(0, FEW_PAGES) });
    void client.invalidateQueries({ queryKey: key, exact: true, refetchType: "none" });
  }, [client, hash]);
}

/** The pages with their first as it is now and with the `rows` that changed; each row once, as far up as it is found. */
export function merged<T>(data: Pages<T>, first: ListPage<T>, rows: ReadonlyMap<string, T | null>, idOf: (row: T) => string): Pages<T> {
  const seen = new Set<string>();
  const pages = data.pages.map((page, index) => {
    const found = (index === 0 ? [...first.rows, ...page.rows] : page.rows).flatMap((row) => {
      const id = idOf(row);
      const now = rows.get(id);
      if (seen.has(id) || now === null) return [];
      seen.add(id);
      return [now ?? row];
    });
    const isSame = found.length === page.rows.length && found.every((row, place) => row === page.rows[place]);
    return isSame ? { ...page, totalCount: first.totalCount } : { ...page, rows: found, totalCount: first.totalCount };
  });
  return { ...data, pages };
}
