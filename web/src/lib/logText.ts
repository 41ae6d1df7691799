/** The text of a log as it grows: whole lines in blocks, and where each begins in typed arrays. A million lines cost little. */

// Colours, cursor movements and titles of windows, as terminals read them.
const TERMINAL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;
// "error" as a word, Python's names of errors, and what announces a stack; a metric such as `error=0.1` is none of them.
const ERROR = /\b(?:Traceback|FATAL|CRITICAL)\b|\b[A-Z]\w*(?:Error|Exception)\b|(?<![\w-])(?:[Ee]rror|ERROR|[Ee]xception|EXCEPTION)\b(?!\s*[=_-])/;

const FIRST_LINES = 1024;

/** Whether a line tells of a failure. */
export const isError = (line: string): boolean => ERROR.test(line);

/** Text without what only a terminal understands. */
function plain(text: string): string {
  return text.includes("\u001b") ? text.replace(TERMINAL, "") : text;
}

/** A line as a terminal would show it at last: a progress bar that went back to the line's begin shows its last state. */
function lastState(line: string): string {
  if (!line.includes("\r")) return line;
  const end = line.endsWith("\r") ? line.length - 1 : line.length;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1, end);
}

const shownOf = (lines: string): string => {
  const text = plain(lines);
  return text.includes("\r") ? text.split("\n").map(lastState).join("\n") : text;
};

interface Block {
  text: string;
  firstLine: number;
}

export class LogText {
  /** Counts changes, so that a view knows when to look again. */
  version = 0;
  /** The byte to go on from. */
  nextOffset = 0;
  isComplete = false;
  /** The first line that tells of a failure. */
  firstError: number | null = null;

  private readonly blocks: Block[] = [];
  // Where a line begins within its block.
  private starts = new Uint32Array(FIRST_LINES);
  private wholeLines = 0;
  // What has come of the last line so far.
  private rest = "";
  private readonly listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Lines to show; the last of them may be unfinished. */
  get lineCount(): number {
    return this.wholeLines + (this.rest === "" ? 0 : 1);
  }

  get blockCount(): number {
    return this.blocks.length;
  }

  /** Takes what was written up to byte `nextOffset`. */
  append(content: string, nextOffset: number): void {
    this.nextOffset = nextOffset;
    if (content === "") return;
    const text = this.rest + content;
    const end = text.lastIndexOf("\n");
    if (end >= 0) this.add(shownOf(text.slice(0, end + 1)));
    const rest = text.slice(end + 1);
    // What a progress bar overwrote is forgotten at once: such a line may grow for hours.
    const back = rest.lastIndexOf("\r", rest.length - 2);
    this.rest = back < 0 ? rest : rest.slice(back + 1);
    this.tell();
  }

  /** Nothing will follow. */
  complete(): void {
    if (this.rest !== "") this.add(`${shownOf(this.rest)}\n`);
    this.rest = "";
    this.isComplete = true;
    this.tell();
  }

  /** The line of a number from 0 on, without its end. */
  line(index: number): string {
    if (index >= this.wholeLines) return lastState(plain(this.rest));
    const place = this.blockOf(index);
    const block = this.blocks[place];
    if (block === undefined) return "";
    return block.text.slice(this.starts[index], this.endOf(index, place, block) - 1);
  }

  lengthOf(index: number): number {
    if (index >= this.wholeLines) return lastState(plain(this.rest)).length;
    const place = this.blockOf(index);
    const block = this.blocks[place];
    return block === undefined ? 0 : this.endOf(index, place, block) - 1 - (this.starts[index] ?? 0);
  }

  /** The numbers of those lines of a block in which `pattern` (with the flag `g`) occurs. */
  linesWith(pattern: RegExp, place: number): number[] {
    const block = this.blocks[place];
    if (block === undefined) return [];
    const found: number[] = [];
    const end = this.blocks[place + 1]?.firstLine ?? this.wholeLines;
    let line = block.firstLine;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(block.text); match !== null; match = pattern.exec(block.text)) {
      while (line + 1 < end && (this.starts[line + 1] ?? 0) <= match.index) line += 1;
      found.push(line);
      // On to the next line: one line is one hit.
      pattern.lastIndex = line + 1 < end ? (this.starts[line + 1] ?? 0) : block.text.length;
    }
    return found;
  }

  private add(text: string): void {
    const firstLine = this.wholeLines;
    let start = 0;
    while (start < text.length) {
      if (this.wholeLines === this.starts.length) {
        const wider = new Uint32Array(this.starts.length * 2);
        wider.set(this.starts);
        this.starts = wider;
      }
      this.starts[this.wholeLines] = start;
      this.wholeLines += 1;
      start = text.indexOf("\n", start) + 1;
    }
    this.blocks.push({ text, firstLine });
    this.firstError ??= this.linesWith(new RegExp(ERROR, "g"), this.blocks.length - 1)[0] ?? null;
  }

  private endOf(index: number, place: number, block: Block): number {
    const next = this.blocks[place + 1]?.firstLine ?? this.wholeLines;
    return index + 1 < next ? (this.starts[index + 1] ?? 0) : block.text.length;
  }

  private blockOf(line: number): number {
    let [low, high] = [0, this.blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.blocks[middle]?.firstLine ?? 0) <= line) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private tell(): void {
    this.version += 1;
    this.listeners.forEach((listener) => { listener(); });
  }
}
