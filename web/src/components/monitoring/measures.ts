/** Samples as the points of lines. */
import type { SampleView } from "@/lib/api/generated/types.gen";

import type { LineSeries } from "../charts/LineChart";

import type { MemberUse, Use } from "./use";

export type Measure = Exclude<keyof SampleView, "datetime">;

// So many steps without a sample are a gap: nothing ran, or nobody looked.
const GAP_STEPS = 2.5;

/** One measure of a member over time; a gap where there were no samples. */
export function pointsOf(member: MemberUse, measure: Measure, stepSeconds: number): [number, number | null][] {
  const points: [number, number | null][] = [];
  let before = Infinity;
  for (const sample of member.samples) {
    const at = Date.parse(sample.datetime);
    if (at - before > stepSeconds * 1000 * GAP_STEPS) points.push([before + stepSeconds * 1000, null]);
    points.push([at, sample[measure]]);
    before = at;
  }
  return points;
}

/** A node as people say it: the API calls it `node-0`. */
export function nodeName(member: string, t: (key: "node", words: { number: string }) => string): string {
  const number = /^node-(\d+)$/.exec(member)?.[1];
  return number === undefined ? member : t("node", { number });
}

/** A line for each member and measure; `word` names a measure where there are several. */
export function seriesOf(use: Use, measures: readonly { measure: Measure; word?: string }[], nameOf: (member: string) => string): LineSeries[] {
  return use.members.flatMap((member) => measures.map(({ measure, word }) => ({
    name: [nameOf(member.name), word].filter((part) => part !== undefined && part !== "").join(" "), points: pointsOf(member, measure, use.stepSeconds),
  })));
}

/** Whether a measure was ever taken: a machine without GPUs has no charts of them. */
export const isMeasured = (use: Use, measure: Measure): boolean =>
  use.members.some(({ samples }) => samples.some((sample) => sample[measure] !== null));
