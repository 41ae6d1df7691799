/** How values are written on axes and in tooltips. */
import { bytes, compact, percent, vcpus } from "@/lib/format";

/**
 * `B` and `B/s`: bytes, in powers of 1024; `share`: from 0 to 1, written in percent; any other is written behind the number
 * as it is, and an empty one is none.
 */
export type Unit = "B" | "B/s" | "share" | (string & {});

export function valueText(value: number, unit: Unit): string {
  switch (unit) {
    case "B": return bytes(value);
    case "B/s": return `${bytes(value)}/s`;
    case "share": return percent(value);
    case "": return compact(value);
    case "vCPU": return vcpus(value);
    default: return `${compact(value)} ${unit}`;
  }
}

const INTERVALS = 4;

/** The distance of an axis' marks for bytes: 1, 2, 4 … of a unit; undefined where numbers of ten are right. */
export function interval(most: number, unit: Unit): number | undefined {
  if ((unit !== "B" && unit !== "B/s") || most <= 0) return undefined;
  return Math.max(1, 2 ** Math.ceil(Math.log2(most / INTERVALS)));
}
