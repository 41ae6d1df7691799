/** A range of time, kept in the address: a last while, all of it, or one with ends of its own. */
import { useMemo } from "react";
import { useSearchParams } from "react-router";

export const SPANS = { "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800 } as const;
export type SpanName = keyof typeof SPANS;
export type RangeName = SpanName | "all" | "own";

/** What the API takes; an end that is absent is open. */
export interface RangeQuery {
  from?: string;
  to?: string;
}

export interface ChosenRange {
  name: RangeName;
  /** Ends of a range of one's own; null: open. */
  from: string | null;
  to: string | null;
}

export interface TimeRangeState extends ChosenRange {
  /** True if it ends now, so that it moves on. */
  isMoving: boolean;
  /** The range as of this moment. */
  query: () => RangeQuery;
  choose: (name: Exclude<RangeName, "own">) => void;
  chooseOwn: (from: string | null, to: string | null) => void;
}

const isName = (text: string | null): text is Exclude<RangeName, "own"> => text === "all" || (text !== null && text in SPANS);

/** A time that somebody may have written into the address; null if it is none. */
const momentOf = (text: string | null): string | null => (text === null || Number.isNaN(Date.parse(text)) ? null : text);

/** A range in the API's words, as of this moment. */
export function rangeQuery({ name, from, to }: ChosenRange): RangeQuery {
  if (name === "own") return { ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) };
  return name === "all" ? {} : { from: new Date(Date.now() - SPANS[name] * 1000).toISOString() };
}

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
    const [from, to, range] = [momentOf(params.get("from")), momentOf(params.get("to")), params.get("range")];
    const name = from !== null || to !== null ? "own" : isName(range) ? range : initial;
    return {
      name, from, to, isMoving: to === null,
      query: () => rangeQuery({ name, from, to }),
      choose: (chosen) => { set({ range: chosen === initial ? null : chosen, from: null, to: null }); },
      chooseOwn: (begin, end) => { set({ range: null, from: begin, to: end }); },
    };
  }, [params, setParams, initial]);
}
