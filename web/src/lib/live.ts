/** What changed, as the daemon tells it: one stream of server-sent events per tab, which makes queries stale. */
import type { QueryClient } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";

import { APPKEY } from "./api/client";
import type { Kind } from "./kinds";

export interface Change {
  kind: Kind;
  resourceId?: string | null;
  parentId?: string | null;
}

export type Connection = "connecting" | "live" | "lost";

const URL = `/v1.0/appkeys/${APPKEY}/changes?include=samples`;
// Many changes at once (a tuning with eight trials) make one round of requests.
const GATHER_MS = 200;
const RETRY_MS = 1000;

/** What changed; null: anything may have. */
type ChangeListener = (changes: readonly Change[] | null) => void;
const changeListeners = new Set<ChangeListener>();

/** Calls `listener` with what changed, for what does not ask for everything again then; returns what ends that. */
export function onChanges(listener: ChangeListener): () => void {
  changeListeners.add(listener);
  return () => { changeListeners.delete(listener); };
}

/** Makes stale what shows a resource: lists of its kind, and queries whose key names its id (or its parent's). */
export function applyChanges(client: QueryClient, changes: readonly Change[]): void {
  const kinds = new Set(changes.map((change) => change.kind as string));
  const ids = new Set(changes.flatMap((change) => [change.resourceId, change.parentId]).filter((id) => id != null));
  void client.invalidateQueries({
    predicate: ({ queryKey }) => {
      const [kind, what] = queryKey as [string, string | undefined];
      const namesOne = queryKey.some((part) => typeof part === "string" && ids.has(part));
      return namesOne || (kinds.has(kind) && (what === "list" || what === undefined || kind === "queue"));
    },
  });
  changeListeners.forEach((listener) => { listener(changes); });
}

/** The stream of changes. It reconnects for ever, and not at all while the tab is hidden. */
export class Live {
  connection: Connection = "connecting";
  private source: EventSource | null = null;
  private waiting: Change[] = [];
  private gather: number | null = null;
  private retry: number | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly client: QueryClient) {}

  start = (): (() => void) => {
    document.addEventListener("visibilitychange", this.onVisibility);
    this.open();
    return () => {
      document.removeEventListener("visibilitychange", this.onVisibility);
      this.close();
    };
  };

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private readonly onVisibility = (): void => {
    if (document.hidden) this.close();
    else if (this.source === null) this.open();
  };

  private open(): void {
    const source = new EventSource(URL);
    this.source = source;
    source.addEventListener("hello", (event) => {
      this.become("live");
      const { isResumed } = JSON.parse((event as MessageEvent<string>).data) as { isResumed: boolean };
      if (isResumed) return;
      void this.client.invalidateQueries();
      changeListeners.forEach((listener) => { listener(null); });
    });
    source.addEventListener("change", (event) => {
      const { changeList } = JSON.parse((event as MessageEvent<string>).data) as { changeList: Change[] };
      this.waiting.push(...changeList);
      this.gather ??= window.setTimeout(() => {
        this.gather = null;
        applyChanges(this.client, this.waiting.splice(0));
      }, GATHER_MS);
    });
    source.addEventListener("sample", (event) => {
      this.client.setQueryData(["monitoring", "now"], JSON.parse((event as MessageEvent<string>).data));
    });
    source.addEventListener("error", () => {
      this.become("lost");
      if (source.readyState !== EventSource.CLOSED) return;
      // The browser gives up after an answer that is no stream: a restart, or a session that ended, which this question tells.
      this.source = null;
      void this.client.refetchQueries({ queryKey: ["system"] });
      this.retry = window.setTimeout(() => {
        this.retry = null;
        if (this.source === null && !document.hidden) this.open();
      }, RETRY_MS);
    });
  }

  private close(): void {
    if (this.gather !== null) window.clearTimeout(this.gather);
    if (this.retry !== null) window.clearTimeout(this.retry);
    this.gather = this.retry = null;
    this.source?.close();
    this.source = null;
  }

  private become(connection: Connection): void {
    if (connection === this.connection) return;
    this.connection = connection;
    this.listeners.forEach((listener) => { listener(); });
  }
}

/** Keeps the stream open while the component is there, and returns how the connection stands. */
export function useLive(): Connection {
  const client = useQueryClient();
  const [live] = useState(() => new Live(client));
  useEffect(() => live.start(), [live]);
  return useSyncExternalStore(live.subscribe, () => live.connection);
}
