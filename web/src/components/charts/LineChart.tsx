import type { EChartsOption, SeriesOption } from "echarts";
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
  /** Drawn pale behind the line: what it was smoothed from. */
  raw?: LineSeries["points"];
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
  /** Whether the axis tells magnitudes; nothing at or below nought has a place on it. */
  isLogarithmic?: boolean;
  /** A range is chosen by dragging; unless told, on a time axis only. */
  isZoomable?: boolean;
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
export function LineChart({ series, unit = "", xName, range, note, fromZero = true, isLogarithmic = false, isZoomable = xName === undefined, title, group, height, onPick }: LineChartProps) {
  const { t, i18n } = useTranslation("monitoring");
  const language = i18n.language;
  // A line that is the only one may go without a name of its own.
  const named = useMemo(() => {
    const placed = (points: LineSeries["points"]): LineSeries["points"] => isLogarithmic ? points.map(([x, y]) => [x, y !== null && y > 0 ? y : null] as const) : points;
    return series.map((one) => ({ ...one, name: one.name === "" ? title : one.name, points: placed(one.points), raw: one.raw && placed(one.raw) }));
  }, [series, title, isLogarithmic]);
  const option = useMemo(
    () => optionOf(named, { unit, xName, range, fromZero, isLogarithmic, isZoomable }, language), [named, unit, xName, range, fromZero, isLogarithmic, isZoomable, language],
  );
  const latest = named.map(({ name, points }) => {
    const last = points.findLast(([, value]) => value !== null)?.[1];
    return `${name}: ${last == null ? "–" : valueText(last, unit)}`;
  });
  const isEmpty = named.every(({ points }) => points.every(([, value]) => value === null));
  return (
    <Chart
      title={title} group={group} height={height} option={option} words={latest.join(", ")} isZoomable={isZoomable}
      note={isEmpty ? (note ?? t("noData")) : null} onPick={onPick}
    />
  );
}

type Axes = Pick<LineChartProps, "xName" | "range"> & { unit: Unit; fromZero: boolean; isLogarithmic: boolean; isZoomable: boolean };

function optionOf(series: readonly LineSeries[], { unit, xName, range, fromZero, isLogarithmic, isZoomable }: Axes, language: string): EChartsOption {
  const isTime = xName === undefined;
  const number = new Intl.NumberFormat(language);
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
    toolbox: isZoomable ? { itemSize: 0, showTitle: false, feature: { dataZoom: { yAxisIndex: "none", icon: { zoom: "path://", back: "path://" } } } } : undefined,
    xAxis: {
      type: isTime ? "time" : "value", name: xName, nameLocation: "middle", nameGap: 26, min: range?.[0] ?? "dataMin", max: range?.[1] ?? "dataMax", splitLine: { show: false },
      minInterval: isTime ? undefined : 1,
      // The ends of a range that somebody drew lie between steps.
      axisLabel: isTime ? { hideOverlap: true, formatter: markOf(language) } : { hideOverlap: true, formatter: (value: number) => (Number.isInteger(value) ? number.format(value) : "") },
      axisPointer: { label: { formatter: ({ value }) => (isTime ? exact.format(Number(value)) : `${xName} ${String(Math.round(Number(value)))}`) } },
    },
    yAxis: {
      type: isLogarithmic ? "log" : "value", scale: !fromZero, splitNumber: 4, axisLabel: { formatter: (value: number) => valueText(value, unit) },
      ...(unit === "share" && most <= 1 && fromZero ? { max: 1 } : step !== undefined && fromZero ? { interval: step, max: Math.ceil(most / step) * step } : {}),
    },
    series: series.flatMap((one, index) => drawn(one, index, isTime && !isCrowded)),
  };
}

function drawn({ name, points, shape = "line", raw }: LineSeries, index: number, isFilled: boolean): SeriesOption[] {
  if (shape === "points") return [{ type: "scatter", id: name, name, data: points as [number, number][], symbolSize: 8 }];
  const line = {
    type: "line", name, showSymbol: points.length < 2, step: shape === "step" ? "end" : false, sampling: "lttb", connectNulls: false, emphasis: { disabled: true },
  } as const;
  const main: SeriesOption = {
    ...line, id: name, data: points as [number, number | null][], lineStyle: { width: 1.5, type: DASHES[index % DASHES.length] },
    areaStyle: isFilled ? { opacity: 0.08 } : undefined,
  };
  // A line of the same name has the same colour, and the legend's entry hides both.
  return raw === undefined ? [main] : [{ ...line, id: `${name} raw`, data: raw as [number, number | null][], tooltip: { show: false }, lineStyle: { width: 1, opacity: 0.3 } }, main];
}
