import { describe, expect, it } from "vitest";

import { isError, LogText } from "./logText";

const linesOf = (text: LogText): string[] => Array.from({ length: text.lineCount }, (_, index) => text.line(index));

/** A log that came in pieces of `size` characters. */
function inPieces(content: string, size: number): LogText {
  const text = new LogText();
  for (let at = 0; at < content.length; at += size) text.append(content.slice(at, at + size), at + size);
  return text;
}

describe("LogText", () => {
  it.each([1, 2, 3, 5, 1000])("is the same however it was cut (%i characters at a time)", (size) => {
    const text = inPieces("one\n\ntwo\r\n 10 %\r 20 %\r 30 %\nred \u001b[31mword\u001b[0m\nrest", size);
    expect(linesOf(text)).toEqual(["one", "", "two", " 30 %", "red word", "rest"]);
    expect(text.lengthOf(3)).toBe(5);
  });

  it("shows the last state of a progress bar that goes on", () => {
    const text = new LogText();
    text.append("start\n 1 %\r", 10);
    text.append(" 2 %\r", 15);
    expect(linesOf(text)).toEqual(["start", " 2 %"]);
    text.complete();
    expect(linesOf(text)).toEqual(["start", " 2 %"]);
    expect(text.isComplete).toBe(true);
  });

  it("finds the first error, and the lines with a text", () => {
    const text = inPieces("epoch 1 error=0.1\nmean_squared_error: 2\nok\nValueError: no\nError again, error\n", 7);
    expect(text.firstError).toBe(3);
    const found = Array.from({ length: text.blockCount }, (_, place) => text.linesWith(/error/gi, place)).flat();
    expect(found).toEqual([0, 1, 3, 4]);
  });

  it("holds a million lines", () => {
    const text = new LogText();
    for (let block = 0; block < 100; block += 1) {
      text.append(Array.from({ length: 10_000 }, (_, line) => `line ${String(block * 10_000 + line)}\n`).join(""), block + 1);
    }
    expect(text.lineCount).toBe(1_000_000);
    expect(text.line(0)).toBe("line 0");
    expect(text.line(777_777)).toBe("line 777777");
    expect(text.line(999_999)).toBe("line 999999");
  });
});

it.each([
  ["Traceback (most recent call last):", true], ["torch.OutOfMemoryError: CUDA out of memory", true], ["ERROR: no such file", true],
  ["val_error=0.2", false], ["error=0.2", false], ["0 errors", false], ["an exception was raised", true],
])("tells whether %s is an error", (line, expected) => {
  expect(isError(line)).toBe(expected);
});
