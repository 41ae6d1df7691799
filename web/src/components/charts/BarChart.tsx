import type { EChartsOption } from "echarts";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { Chart, type ChartFrame } from "./Chart";
import { valueText, type Unit } from "./units";

const ROW_PIXELS = 30;

/** Lying bars, longest first. */
export function BarChart({ bars, unit = "", note, title, group }: Omit<ChartFrame, "height"> & {
  bars: readonly { name: string; value: number }[];
  unit?: Unit;
  /** Why there is nothing to draw. */
  note?: string | null;
}) {
  const { t } = useTranslation("monitoring");
  const sorted = useMemo(() => [...bars].sort((a, b) => b.value - a.value), [bars]);
  const option = useMemo((): EChartsOption => ({
    animation: false,
    grid: { left: 8, right: 56, top: 4, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, renderMode: "richText", confine: true, valueFormatter: (value) => valueText(Number(value), unit) },
    xAxis: { type: "value", show: false, max: unit === "share" ? 1 : undefined },
    yAxis: { type: "category", inverse: true, data: sorted.map(({ name }) => name), axisTick: { show: false }, axisLine: { show: false }, axisLabel: { width: 160, overflow: "truncate" } },
    series: [{
      type: "bar", data: sorted.map(({ value }) => value), barMaxWidth: 16,
      label: { show: true, position: "right", formatter: ({ value }) => valueText(Number(value), unit) },
    }],
  }), [sorted, unit]);
  return (
    <Chart
      title={title} group={group} option={option} height={Math.max(3, sorted.length) * ROW_PIXELS + 8} note={sorted.length === 0 ? (note ?? t("noData")) : null}
      words={sorted.map(({ name, value }) => `${name}: ${valueText(value, unit)}`).join(", ")}
    />
  );
}
