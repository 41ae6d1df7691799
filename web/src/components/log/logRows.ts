/** Which rows of the screen each line of a log takes: one without wrapping, else as many as its width needs. */
import type { LogText } from "@/lib/logText";

/** A line beyond this is cut when shown; the download has all of it. */
export const LINE_CHARACTERS = 10_000;

/** Rows of all lines, counted once per line and width. */
export class LogRows {
  private ends = new Uint32Array(1024);
  private counted = 0;

  /** `columns`: characters per row; null: lines are not wrapped. */
  constructor(private readonly text: LogText, readonly columns: number | null) {}

  /** Rows of the lines before `line`. */
  before(line: number): number {
    if (this.columns === null) return line;
    this.countTo(line);
    return line === 0 ? 0 : (this.ends[line - 1] ?? 0);
  }

  get total(): number {
    // The last line may have grown since it was counted.
    if (this.columns !== null) this.counted = Math.min(this.counted, Math.max(0, this.text.lineCount - 1));
    return this.before(this.text.lineCount);
  }

  /** The line that has a row. */
  lineAt(row: number): number {
    const last = Math.max(0, this.text.lineCount - 1);
    if (this.columns === null) return Math.min(row, last);
    this.countTo(this.text.lineCount);
    let [low, high] = [0, last];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ends[middle] ?? 0) > row) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private countTo(line: number): void {
    const columns = this.columns ?? 1;
    if (line > this.ends.length) {
      const wider = new Uint32Array(Math.max(line, this.ends.length * 2));
      wider.set(this.ends.subarray(0, this.counted));
      this.ends = wider;
    }
    for (; this.counted < line; this.counted += 1) {
      const length = Math.min(this.text.lengthOf(this.counted), LINE_CHARACTERS);
      const rows = length <= columns / 2 ? 1 : Math.max(1, Math.ceil(widthOf(this.text.line(this.counted).slice(0, LINE_CHARACTERS)) / columns));
      this.ends[this.counted] = (this.counted === 0 ? 0 : (this.ends[this.counted - 1] ?? 0)) + rows;
    }
  }
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g;

/** Columns that a text takes in a font of one width: Chinese, Japanese and Korean characters take two. */
function widthOf(text: string): number {
  let tabs = 0;
  for (let at = text.indexOf("\t"); at >= 0; at = text.indexOf("\t", at + 1)) tabs += 7;
  return text.length + tabs + (text.match(WIDE)?.length ?? 0);
}
