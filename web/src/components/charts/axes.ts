/** Axes over values that a search tried: numbers, or names. */
import { compact } from "@/lib/format";

export type AxisKind = "value" | "log" | "category";

// A range that covers this many times its lower end is read better by its magnitudes.
const WIDE = 100;

/** Which axis suits these values. */
export function kindOf(values: readonly (number | string)[]): AxisKind {
  const numbers = values.filter((value): value is number => typeof value === "number");
  if (numbers.length < values.length || numbers.length === 0) return "category";
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  return low > 0 && high / low >= WIDE ? "log" : "value";
}

/** The names on an axis, each once; numbers in their order first. */
export const namesOf = (values: readonly (number | string)[]): string[] =>
  [...new Set(values.map(String))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

/** What an axis of a kind gets as its values and marks; `marks`: how these are drawn. */
export const axisOf = (kind: AxisKind, values: readonly (number | string)[], marks: { textBorderColor?: string; textBorderWidth?: number } = {}) =>
  kind === "category"
    ? { type: "category" as const, data: namesOf(values), axisLabel: marks }
    : { type: kind, scale: true, axisLabel: { ...marks, formatter: (value: number) => compact(value) } };
