import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { describe, expect, it } from "vitest";

import { applyChanges } from "@/lib/live";
import { createQueryClient } from "@/lib/query";

import { useResourceList, type ListPage, type ListQuery, type ListState } from "./listState";

interface Training { trainingId: string; trainingName: string }

const NEWEST_FIRST: ListState = {
  keyword: "", statuses: [], sortBy: "createdDatetime", sortOrder: "DESC", hasConditions: false,
  setKeyword: () => undefined, setStatuses: () => undefined, sort: () => undefined, clear: () => undefined,
};
const changed = (...ids: string[]) => ids.map((resourceId) => ({ kind: "training" as const, resourceId }));

/** Trainings as the daemon has them, newest first, and what was asked of it. */
class Daemon {
  readonly asked: ListQuery[] = [];
  rows: Training[] = Array.from({ length: 300 }, (_, place) => ({ trainingId: `id-${String(place)}`, trainingName: `old ${String(place)}` }));

  list = (query: ListQuery): Promise<ListPage<Training>> => {
    this.asked.push(query);
    const { keyword, limit, cursor } = query;
    const met = this.rows.filter((row) => keyword === undefined || row.trainingId.startsWith(keyword));
    const begin = cursor === undefined ? 0 : met.findIndex((row) => row.trainingId === cursor) + 1;
    const rows = met.slice(begin, begin + limit);
    return Promise.resolve({ rows, nextCursor: begin + limit < met.length ? rows.at(-1)?.trainingId ?? null : null, totalCount: met.length });
  };

  /** What was asked since this was called last, as words. */
  asks(): string[] {
    return this.asked.splice(0).map(({ keyword, cursor }) => keyword ?? cursor ?? "first");
  }
}

function shown(daemon: Daemon, client: QueryClient) {
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  return renderHook(() => useResourceList("training", NEWEST_FIRST, {}, daemon.list), { wrapper });
}

/** A list of which eight pages out of ten are loaded. */
async function longList() {
  const [daemon, client] = [new Daemon(), createQueryClient()];
  const list = shown(daemon, client);
  for (let pages = 1; pages <= 8; pages++) {
    await waitFor(() => { expect(list.result.current.rows).toHaveLength(pages * 30); });
    if (pages < 8) act(() => { list.result.current.loadMore(); });
  }
  daemon.asks();
  return { daemon, client, ...list };
}

describe("a long list", () => {
  it("asks for the row that changed, and shows it in its place", async () => {
    const { daemon, client, result } = await longList();
    daemon.rows = daemon.rows.map((row) => row.trainingId === "id-133" ? { ...row, trainingName: "new name" } : row);
    act(() => { applyChanges(client, changed("id-133")); });
    await waitFor(() => { expect(result.current.rows[133]?.trainingName).toBe("new name"); });
    expect(daemon.asks()).toEqual(["first", "id-133"]);
    expect(result.current.rows).toHaveLength(240);
  });

  it("shows no more what is gone, and each row once although others moved up", async () => {
    const { daemon, client, result } = await longList();
    daemon.rows = daemon.rows.filter((row) => row.trainingId !== "id-7" && row.trainingId !== "id-222");
    act(() => { applyChanges(client, changed("id-7", "id-222")); });
    await waitFor(() => { expect(result.current.total).toBe(298); });
    expect(daemon.asks()).toEqual(["first", "id-7", "id-222"]);
    expect(result.current.rows.map((row) => row.trainingId)).toEqual(daemon.rows.slice(0, 238).map((row) => row.trainingId));
  });

  it("shows what is new at the top, and goes on behind its last row", async () => {
    const { daemon, client, result } = await longList();
    daemon.rows = [{ trainingId: "id-new", trainingName: "new" }, ...daemon.rows];
    act(() => { applyChanges(client, changed("id-new")); });
    await waitFor(() => { expect(result.current.rows[0]?.trainingName).toBe("new"); });
    expect(daemon.asks()).toEqual(["first"]);
    act(() => { result.current.loadMore(); });
    await waitFor(() => { expect(result.current.rows).toHaveLength(271); });
    expect(result.current.rows).toEqual(daemon.rows.slice(0, 271));
  });

  it("asks for all pages where more rows changed than there are pages", async () => {
    const { daemon, client, result } = await longList();
    const ids = daemon.rows.slice(100, 120).map((row) => row.trainingId);
    daemon.rows = daemon.rows.filter((row) => !ids.includes(row.trainingId));
    act(() => { applyChanges(client, changed(...ids)); });
    await waitFor(() => { expect(result.current.rows).toEqual(daemon.rows.slice(0, 240)); });
    // The first twice: after it one knows which of them it does not have.
    expect(daemon.asks()).toHaveLength(9);
  });

  it("leaves what a request makes stale to the changes that follow from it", async () => {
    const { daemon, client } = await longList();
    await act(() => client.invalidateQueries({ queryKey: ["training"] }));
    expect(daemon.asks()).toEqual([]);
  });

  it("is short and asked for again when somebody comes back to it", async () => {
    const { daemon, client, unmount } = await longList();
    unmount();
    daemon.rows = daemon.rows.slice(1);
    const { result } = shown(daemon, client);
    expect(result.current.rows[0]?.trainingId).toBe("id-0");
    await waitFor(() => { expect(result.current.rows[0]?.trainingId).toBe("id-1"); });
    expect(daemon.asks()).toHaveLength(3);
  });
});
