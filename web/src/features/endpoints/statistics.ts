/** Points of charts from statistics of calls. */
import type { ApiStatisticsView, CallsView } from "@/lib/api/generated/types.gen";

type Point = readonly [number, number | null];

/** Places of all steps: a step without a call is left out by the API, and is a nought here. */
function steps(found: ApiStatisticsView): { at: number; calls: CallsView | null }[] {
  const width = found.stepSeconds * 1000;
  const known = new Map(found.stepList.map((step) => [Math.floor(Date.parse(step.datetime) / width), step.calls]));
  const [first, last] = [Math.floor(Date.parse(found.fromDatetime) / width), Math.floor(Date.parse(found.toDatetime) / width)];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => ({ at: (first + index) * width, calls: known.get(first + index) ?? null }));
}

/** Calls per minute over time. */
export const rateOf = (found: ApiStatisticsView, count: (calls: CallsView) => number): Point[] =>
  steps(found).map(({ at, calls }) => [at, calls === null ? 0 : (count(calls) * 60) / found.stepSeconds]);

/** Values that only calls have, over time; a step without one is a gap. */
export const valuesOf = (found: ApiStatisticsView, value: (calls: CallsView) => number | null): Point[] =>
  steps(found).map(({ at, calls }) => [at, calls === null ? null : value(calls)]);
