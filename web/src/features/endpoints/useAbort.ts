import { useCallback, useEffect, useRef } from "react";

/** What somebody may stop: `begin` ends what went on before; leaving the page ends it, too. */
export function useAbort(): { begin: () => AbortSignal; stop: () => void } {
  const current = useRef<AbortController | null>(null);
  const stop = useCallback(() => { current.current?.abort(); }, []);
  const begin = useCallback(() => {
    stop();
    current.current = new AbortController();
    return current.current.signal;
  }, [stop]);
  useEffect(() => stop, [stop]);
  return { begin, stop };
}
