/** The range of time that charts show, kept in the address: a last while, all of it, or one with both ends. */
import { useMemo } from "react";
import { useSearchParams } from "react-router";

export const SPANS = { "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400 } as const;
export type RangeName = keyof typeof SPANS | "all" | "own";

/** What the API takes; both absent: all of a resource's time. */
export interface RangeQuery {
  from?: string;
  to?: string;
}

export interface TimeRangeState {
  name: RangeName;
  from: string | null;
  to: string | null;
  /** True if it ends now, so that it moves on. */
  isMoving: boolean;
  /** The range as of this moment. */
  query: () => RangeQuery;
  choose: (name: Exclude<RangeName, "own">) => void;
  chooseOwn: (from: string, to: string) => void;
}

const isName = (text: string | null): text is Exclude<RangeName, "own"> => text === "all" || (text !== null && text in SPANS);

export function useTimeRange(initial: Exclude<RangeName, "own">): TimeRangeState {
  const [params, setParams] = useSearchParams();
  return useMemo(() => {
    const set = (changes: Record<string, string | null>): void => {
      setParams((now) => {
        const next = new URLSearchParams(now);
        for (const [name, value] of Object.entries(changes)) if (value === null) next.delete(name); else next.set(name, value);
        return next;
      }, { replace: true });
    };
    const [from, to, range] = [params.get("from"), params.get("to"), params.get("range")];
    const isOwn = from !== null && to !== null;
    const name = isOwn ? "own" : isName(range) ? range : initial;
    return {
      name, from: isOwn ? from : null, to: isOwn ? to : null, isMoving: !isOwn,
      query: () => {
        if (isOwn) return { from, to };
        return name === "all" || name === "own" ? {} : { from: new Date(Date.now() - SPANS[name] * 1000).toISOString() };
      },
      choose: (chosen) => { set({ range: chosen === initial ? null : chosen, from: null, to: null }); },
      chooseOwn: (begin, end) => { set({ range: null, from: begin, to: end }); },
    };
  }, [params, setParams, initial]);
}
