/** Brings a log into the page: what is there in large pieces, what is written from then on as it comes. */
import type { LogText } from "./logText";

/** A piece of a log: the text of the bytes from `offset` to `nextOffset`. */
export interface LogPiece {
  offset: number;
  nextOffset: number;
  content: string;
  /** Nothing will follow: what wrote it has ended, and this is its end. */
  isComplete: boolean;
}

/** Reads a piece of at most `limit` bytes; when there is none yet it waits up to `waitSeconds` for one. */
export type ReadLog = (offset: number, limit: number, waitSeconds: number, signal: AbortSignal) => Promise<LogPiece>;

export type FeedState = "loading" | "following" | "complete";

const PIECE_BYTES = 1 << 20;
const WAIT_SECONDS = 20;
// A reader that does not wait by itself is asked no more often than this.
const PAUSE_MS = 1000;

interface LogEvent {
  nextOffset: number;
  content: string;
}

export class LogFeed {
  state: FeedState = "loading";
  error: Error | null = null;
  private abort: AbortController | null = null;
  private source: EventSource | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly text: LogText,
    private readonly read: ReadLog,
    /** Where the log comes as server-sent events (`log`, then `end`); null: it is asked for again and again. */
    private readonly streamUrl: string | null,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Follows until the log is complete or the returned function is called; not at all while the tab is hidden. */
  start = (): (() => void) => {
    document.addEventListener("visibilitychange", this.onVisibility);
    this.open();
    return () => {
      document.removeEventListener("visibilitychange", this.onVisibility);
      this.close();
    };
  };

  /** Tries again after an error. */
  retry = (): void => {
    this.close();
    this.become(this.state, null);
    this.open();
  };

  private readonly onVisibility = (): void => {
    if (document.hidden) this.close();
    else if (this.abort === null && this.error === null) this.open();
  };

  private open(): void {
    if (this.text.isComplete) {
      this.become("complete");
      return;
    }
    const abort = new AbortController();
    this.abort = abort;
    this.catchUp(abort.signal).catch((error: unknown) => {
      if (!abort.signal.aborted) this.become(this.state, error as Error);
    });
  }

  private close(): void {
    this.abort?.abort();
    this.abort = null;
    this.source?.close();
    this.source = null;
  }

  private async catchUp(signal: AbortSignal): Promise<void> {
    for (;;) {
      const piece = await this.take(0, signal);
      if (piece === null) return;
      if (piece.content === "") break;
    }
    this.become("following");
    if (this.streamUrl === null) await this.poll(signal);
    else this.stream(this.streamUrl, signal);
  }

  /** Reads the next piece; null: there is nothing more to do. */
  private async take(waitSeconds: number, signal: AbortSignal): Promise<LogPiece | null> {
    const piece = await this.read(this.text.nextOffset, PIECE_BYTES, waitSeconds, signal);
    if (signal.aborted) return null;
    this.text.append(piece.content, piece.nextOffset);
    if (!piece.isComplete) return piece;
    this.finish();
    return null;
  }

  private async poll(signal: AbortSignal): Promise<void> {
    for (;;) {
      const asked = Date.now();
      const piece = await this.take(WAIT_SECONDS, signal);
      if (piece === null) return;
      const left = PAUSE_MS - (Date.now() - asked);
      if (piece.content === "" && left > 0) await pause(left, signal);
      if (signal.aborted) return;
    }
  }

  private stream(url: string, signal: AbortSignal): void {
    const source = new EventSource(`${url}${url.includes("?") ? "&" : "?"}offset=${String(this.text.nextOffset)}`);
    this.source = source;
    source.addEventListener("log", (event) => {
      const { content, nextOffset } = JSON.parse((event as MessageEvent<string>).data) as LogEvent;
      this.text.append(content, nextOffset);
    });
    source.addEventListener("end", () => { this.finish(); });
    source.addEventListener("error", () => {
      // A lost connection comes back by itself, from the last event on. An answer that is no stream does not.
      if (source.readyState !== EventSource.CLOSED || signal.aborted) return;
      this.source = null;
      this.poll(signal).catch((error: unknown) => {
        if (!signal.aborted) this.become(this.state, error as Error);
      });
    });
  }

  private finish(): void {
    this.close();
    this.text.complete();
    this.become("complete");
  }

  private become(state: FeedState, error: Error | null = null): void {
    if (state === this.state && error === this.error) return;
    this.state = state;
    this.error = error;
    this.listeners.forEach((listener) => { listener(); });
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => { window.clearTimeout(timer); resolve(); }, { once: true });
  });
}
