/** Server-sent events in a text that comes in pieces. */
export interface SentEvent {
  name: string;
  data: string;
}

export class EventText {
  private rest = "";

  /** The events that this piece completes; comments, ids and the like are left out. */
  push(piece: string): SentEvent[] {
    const blocks = (this.rest + piece).split(/\r?\n\r?\n/);
    this.rest = blocks.pop() ?? "";
    return blocks.map(eventOf).filter((event) => event !== null);
  }
}

function eventOf(block: string): SentEvent | null {
  const fields = block.split(/\r?\n/).map((line) => /^(event|data): ?(.*)$/s.exec(line)).filter((field) => field !== null);
  const data = fields.filter(([, field]) => field === "data").map(([, , value]) => value);
  if (data.length === 0) return null;
  return { name: fields.find(([, field]) => field === "event")?.[2] ?? "message", data: data.join("\n") };
}
