import type { EChartsOption } from "echarts";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { Chart, type ChartFrame } from "./Chart";
import { interval, valueText, type Unit } from "./units";

export interface LineSeries {
  name: string;
  /** In the order of their place; null: not known there, and the line has a gap. */
  points: readonly (readonly [number, number | null])[];
  /** `step`: holds until the next point; `points`: no line at all. */
  shape?: "line" | "step" | "points";
}

export interface LineChartProps extends ChartFrame {
  series: readonly LineSeries[];
  unit?: Unit;
  /** What stands on the axis below; without it the places are times, in milliseconds. */
  xName?: string;
  /** From where to where the axis goes; unless given, as far as there are points. */
  range?: readonly [number, number];
  /** Shown while there is no point at all. */
  note?: string;
  /** Whether the axis begins at nought. */
  fromZero?: boolean;
  onPick?: (index: number, series: number) => void;
}

const DASHES = ["solid", "dashed", "dotted"] as const;

/** Marks of a time axis: the time of day, or the day where a day begins. */
function markOf(language: string): (at: number) => string {
  const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
  const minute = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const second = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  return (at) => {
    const begin = new Date(at).setHours(0, 0, 0, 0);
    if (at - begin < 1000) return day.format(at);
    return at % 60_000 === 0 ? minute.format(at) : second.format(at);
  };
}

/** Lines over numbers or, without `xName`, over time. */
export function LineChart({ series, unit = "", xName, range, note, fromZero = true, title, group, height, onPick }: LineChartProps) {
  const { t, i18n } = useTranslation("monitoring");
  const language = i18n.language;
  // A line that is the only one may go without a name of its own.
  const named = useMemo(() => series.map((one) => ({ ...one, name: one.name === "" ? title : one.name })), [series, title]);
  const option = useMemo(() => optionOf(named, unit, xName, range, fromZero, language), [named, unit, xName, range, fromZero, language]);
  const latest = named.map(({ name, points }) => {
    const last = points.findLast(([, value]) => value !== null)?.[1];
    return `${name}: ${last == null ? "–" : valueText(last, unit)}`;
  });
  const isEmpty = series.every(({ points }) => points.every(([, value]) => value === null));
  return (
    <Chart
      title={title} group={group} height={height} option={option} words={latest.join(", ")} isZoomable={xName === undefined}
      note={isEmpty ? (note ?? t("noData")) : null} onPick={onPick}
    />
  );
}

function optionOf(
  series: readonly LineSeries[], unit: Unit, xName: string | undefined, range: readonly [number, number] | undefined, fromZero: boolean, language: string,
): EChartsOption {
  const isTime = xName === undefined;
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
  const most = series.reduce((high, { points }) => points.reduce((max, [, value]) => Math.max(max, value ?? 0), high), 0);
  const step = interval(most, unit);
  const isCrowded = series.length > 1;
  return {
    animation: false,
    grid: { left: 8, right: 16, top: isCrowded ? 32 : 12, bottom: isTime ? 4 : 20, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: isCrowded ? { type: "scroll", top: 0, left: 0, right: 0, icon: "roundRect", itemWidth: 14, itemHeight: 3 } : { show: false },
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true, order: "valueDesc",
      valueFormatter: (value) => (typeof value === "number" ? valueText(value, unit) : "–"),
    },
    // Shown by nothing, it lets a range be chosen by dragging.
    toolbox: isTime ? { itemSize: 0, showTitle: false, feature: { dataZoom: { yAxisIndex: "none", icon: { zoom: "path://", back: "path://" } } } } : undefined,
    xAxis: {
      type: isTime ? "time" : "value", name: xName, nameLocation: "middle", nameGap: 26, min: range?.[0] ?? "dataMin", max: range?.[1] ?? "dataMax", splitLine: { show: false },
      minInterval: isTime ? undefined : 1,
      axisLabel: isTime ? { hideOverlap: true, formatter: markOf(language) } : { hideOverlap: true },
      axisPointer: { label: { formatter: ({ value }) => (isTime ? exact.format(Number(value)) : `${xName} ${String(Math.round(Number(value)))}`) } },
    },
    yAxis: {
      type: "value", scale: !fromZero, splitNumber: 4, axisLabel: { formatter: (value: number) => valueText(value, unit) },
      ...(unit === "share" && most <= 1 && fromZero ? { max: 1 } : step !== undefined && fromZero ? { interval: step, max: Math.ceil(most / step) * step } : {}),
    },
    series: series.map(({ name, points, shape = "line" }, index) => shape === "points" ? {
      type: "scatter", id: name, name, data: points as [number, number][], symbolSize: 8,
    } : {
      type: "line", id: name, name, data: points as [number, number | null][], showSymbol: points.length < 2, step: shape === "step" ? "end" : false,
      sampling: "lttb", connectNulls: false, emphasis: { disabled: true }, lineStyle: { width: 1.5, type: DASHES[index % DASHES.length] },
      areaStyle: isTime && !isCrowded ? { opacity: 0.08 } : undefined,
    }),
  };
}
