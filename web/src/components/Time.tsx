import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";

import { ago, exactTime, span } from "@/lib/time";

// One clock for every time on the page; it runs only while one is shown.
const listeners = new Set<() => void>();
let now = Date.now();
let clock: number | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (clock === null) {
    // It stood still while nothing was shown.
    now = Date.now();
    clock = window.setInterval(() => {
      now = Date.now();
      listeners.forEach((each) => { each(); });
    }, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && clock !== null) {
      window.clearInterval(clock);
      clock = null;
    }
  };
}

/** The time now, to the second. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);

/** How long ago something was; the exact time on hover. */
export function Ago({ at }: { at: string }) {
  const { i18n } = useTranslation();
  // Drawn anew when it reads otherwise, not every second.
  const words = useSyncExternalStore(subscribe, () => ago(at, now, i18n.language));
  return <time dateTime={at} title={exactTime(at, i18n.language)}>{words}</time>;
}

/** A span of seconds; it goes on counting from `since` while something runs. */
export function Span({ seconds, since }: { seconds?: number | null; since?: string | null }) {
  const moment = useNow();
  if (seconds != null && since == null) return <>{span(seconds)}</>;
  return since == null ? <>–</> : <>{span((moment - Date.parse(since)) / 1000)}</>;
}
