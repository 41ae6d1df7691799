/** What a training logged, as lines and words of charts. */
import type { TFunction } from "i18next";

import type { LineSeries } from "@/components/charts/LineChart";
import { statisticsOf } from "@/components/metrics/curves";
import type { TrainingMetricView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";

export const pointsOf = (metric: TrainingMetricView | undefined): LineSeries["points"] =>
  (metric?.pointList ?? []).map(({ step, value }) => [step, value] as const);

/** A last value as it is read; a training that diverged ends with what is no number. */
export const valueWords = (value: number | null, t: TFunction<"metrics">): string => (value === null ? t("notANumber") : compact(value));

/** Where a metric stands, and between what it was. */
export function statisticsWords(metric: TrainingMetricView, t: TFunction<"metrics">): string {
  const { last, min, max } = statisticsOf(pointsOf(metric));
  return [
    ...(last === null ? [] : [t("last", { value: valueWords(last[1], t), step: last[0] })]),
    ...(min === null || max === null ? [] : [t("min", { value: compact(min) }), t("max", { value: compact(max) })]),
    ...(metric.pointList.length < metric.pointCount ? [t("drawn", { shown: metric.pointList.length, count: metric.pointCount })] : []),
  ].join(" · ");
}
