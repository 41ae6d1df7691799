import { useComputedColorScheme } from "@mantine/core";
import type { EChartsOption } from "echarts";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { compact } from "@/lib/format";

import { axisOf, kindOf } from "./axes";
import { Chart, type ChartFrame } from "./Chart";
import { groundOf, SCALE } from "./theme";

// What an axis with its marks needs, and what stands beside all of them.
const AXIS_PIXELS = 90;
const BESIDE_PIXELS = 210;

export interface Line {
  name: string;
  /** One value for each axis. */
  values: readonly (number | string)[];
  /** What the line is coloured by, and the value on the last axis. */
  value: number;
}

/** A line for each of many across an axis for each property, coloured by what it led to. A part of an axis can be chosen by dragging. */
export function ParallelCoordinates({ axes, lines, valueName, isLessBetter, title, height = 320, onPick }: ChartFrame & {
  axes: readonly string[];
  lines: readonly Line[];
  valueName: string;
  isLessBetter: boolean;
  onPick?: (index: number) => void;
}) {
  const { t } = useTranslation("monitoring");
  const ground = groundOf(useComputedColorScheme("light"));
  const option = useMemo((): EChartsOption => {
    const columns = axes.map((_, place) => lines.map(({ values }) => values[place] ?? ""));
    const kinds = columns.map(kindOf);
    const results = lines.map(({ value }) => value);
    const [low, high] = [Math.min(...results), Math.max(...results)];
    // Axes stand before the lines, and their marks are readable on them.
    const name = { nameTextStyle: { overflow: "truncate" as const, width: 110 }, nameGap: 12 };
    const marks = { textBorderColor: ground, textBorderWidth: 4 };
    return {
      animation: false,
      parallel: { left: 48, right: 150, top: 36, bottom: 20, parallelAxisDefault: name },
      parallelAxis: [
        ...axes.map((axis, dim) => ({ dim, name: axis, z: 20, ...axisOf(kinds[dim] ?? "value", columns[dim] ?? [], marks) })),
        { dim: axes.length, name: valueName, type: "value" as const, scale: true, z: 20, axisLabel: { ...marks, formatter: (value: number) => compact(value) } },
      ],
      visualMap: {
        type: "continuous", dimension: axes.length, min: low, max: high === low ? low + 1 : high, right: 0, top: 36, itemHeight: 160, calculable: false,
        inRange: { color: isLessBetter ? [...SCALE].reverse() : SCALE }, precision: 4, formatter: (value) => compact(Number(value)),
        text: [compact(high), compact(low)],
      },
      tooltip: {
        renderMode: "richText", confine: true,
        formatter: (params) => {
          const line = lines[(params as { dataIndex: number }).dataIndex];
          if (line === undefined) return "";
          return [line.name, ...axes.map((axis, place) => `${axis}: ${String(line.values[place])}`), `${valueName}: ${compact(line.value)}`].join("\n");
        },
      },
      series: [{
        type: "parallel", z: 2, lineStyle: { width: 2, opacity: 0.75 }, inactiveOpacity: 0.06,
        data: lines.map(({ values, value }) => [...values.map((each, place) => (kinds[place] === "category" ? String(each) : each)), value]),
      }],
    };
  }, [axes, lines, valueName, isLessBetter, ground]);
  return (
    <Chart
      title={title} height={height} width={AXIS_PIXELS * axes.length + BESIDE_PIXELS} option={option} note={lines.length === 0 ? t("noData") : null} onPick={onPick}
      words={`${axes.join(", ")} → ${valueName}: ${String(lines.length)}`}
    />
  );
}
