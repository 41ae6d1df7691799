/** Metrics over steps: what is said of them in words, and how they are smoothed. */
import type { LineSeries } from "../charts/LineChart";

type Points = LineSeries["points"];

export interface Statistics {
  /** Where the last value stands; it is null where it is not a number. */
  last: readonly [number, number | null] | null;
  min: number | null;
  max: number | null;
}

export function statisticsOf(points: Points): Statistics {
  let [min, max]: [number | null, number | null] = [null, null];
  for (const [, value] of points) {
    if (value === null) continue;
    min = Math.min(min ?? value, value);
    max = Math.max(max ?? value, value);
  }
  return { last: points.at(-1) ?? null, min, max };
}

/**
 * The exponential moving average. `weight`: how much of what came before remains, from 0 (nothing) to below 1. What came before the
 * first value counts nothing: the average is divided by the weight that there was so far, or every line would begin at nought.
 */
export function smoothed(points: Points, weight: number): Points {
  let [average, known] = [0, 0];
  return points.map(([step, value]) => {
    if (value === null) return [step, null] as const;
    average = average * weight + value * (1 - weight);
    known = known * weight + (1 - weight);
    return [step, average / known] as const;
  });
}
