/** A stand-in for the browser's stream of server-sent events; a test says what comes. */
export class FakeEventSource extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  /** Every stream that is open. */
  static readonly open = new Set<FakeEventSource>();

  readyState = FakeEventSource.OPEN;
  readonly url: string;

  constructor(url: string | URL) {
    super();
    this.url = String(url);
    FakeEventSource.open.add(this);
  }

  close(): void {
    this.readyState = FakeEventSource.CLOSED;
    FakeEventSource.open.delete(this);
  }
}

/** Sends an event on the streams whose address has `part` in it; throws where nobody listens. */
export function tell(part: string, event: string, data: unknown, lastEventId = ""): void {
  const streams = [...FakeEventSource.open].filter((stream) => stream.url.includes(part));
  if (streams.length === 0) throw new Error(`Nothing listens to ${part}.`);
  for (const stream of streams) stream.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data), lastEventId }));
}
