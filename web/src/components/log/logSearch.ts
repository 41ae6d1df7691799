/** Search in a log that may be large and still grows: block by block, and never so long that the page stands still. */
import { useEffect, useState } from "react";

import type { LogText } from "@/lib/logText";

const SLICE_MS = 8;

/** What finds a text regardless of case; null: there is nothing to look for. */
export function patternOf(query: string): RegExp | null {
  return query === "" ? null : new RegExp(query.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi");
}

export interface LogSearch {
  /** Lines with the text, by number, in order. */
  lines: readonly number[];
  isSearching: boolean;
}

const NOTHING: LogSearch = { lines: [], isSearching: false };

/** Lines of `text` in which `query` occurs; found in slices of time, and again whenever the log has grown. */
export function useLogSearch(text: LogText, query: string): LogSearch {
  const [found, setFound] = useState<LogSearch & { query: string }>({ ...NOTHING, query: "" });
  useEffect(() => {
    const pattern = patternOf(query);
    if (pattern === null) return;
    const lines: number[] = [];
    let place = 0;
    let timer: number | null = null;
    const go = (): void => {
      timer = null;
      const end = performance.now() + SLICE_MS;
      while (place < text.blockCount && performance.now() < end) {
        for (const line of text.linesWith(pattern, place)) lines.push(line);
        place += 1;
      }
      const isSearching = place < text.blockCount;
      setFound({ lines: [...lines], isSearching, query });
      if (isSearching) timer = window.setTimeout(go);
    };
    const wake = (): void => { timer ??= window.setTimeout(go); };
    wake();
    const leave = text.subscribe(wake);
    return () => {
      leave();
      if (timer !== null) window.clearTimeout(timer);
    };
  }, [text, query]);
  return query === "" || found.query !== query ? { ...NOTHING, isSearching: query !== "" } : found;
}
