import type { EChartsOption } from "echarts";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { compact } from "@/lib/format";

import { axisOf, kindOf } from "./axes";
import { Chart, type ChartFrame } from "./Chart";

export interface Dot {
  name: string;
  x: number | string;
  y: number;
  /** Drawn larger: what somebody looks for. */
  isMarked?: boolean;
}

/** A dot for each of many, over numbers or names. */
export function ScatterChart({ dots, xName, yName, title, group, height, onPick }: ChartFrame & {
  dots: readonly Dot[];
  xName: string;
  yName: string;
  onPick?: (index: number) => void;
}) {
  const { t } = useTranslation("monitoring");
  const option = useMemo((): EChartsOption => {
    const values = dots.map(({ x }) => x);
    const kind = kindOf(values);
    return {
      animation: false,
      grid: { left: 8, right: 16, top: 28, bottom: 24, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      tooltip: {
        renderMode: "richText", confine: true,
        formatter: (params) => {
          const dot = dots[(params as { dataIndex: number }).dataIndex];
          return dot === undefined ? "" : `${dot.name}\n${xName}: ${typeof dot.x === "number" ? compact(dot.x) : dot.x}\n${yName}: ${compact(dot.y)}`;
        },
      },
      xAxis: { ...axisOf(kind, values), name: xName, nameLocation: "middle", nameGap: 28, splitLine: { show: false } },
      yAxis: { type: "value", scale: true, name: yName, nameTextStyle: { align: "left" }, splitNumber: 4, axisLabel: { formatter: (value: number) => compact(value) } },
      series: [{
        type: "scatter",
        data: dots.map(({ x, y, isMarked }) => ({
          value: [kind === "category" ? String(x) : x, y], symbol: isMarked === true ? "diamond" : "circle", symbolSize: isMarked === true ? 18 : 9,
          itemStyle: { opacity: 0.8 },
        })),
      }],
    };
  }, [dots, xName, yName]);
  const { isMarked, ...best } = dots.find((dot) => dot.isMarked === true) ?? { isMarked: false, name: "–", x: "–", y: 0 };
  return (
    <Chart
      title={title} group={group} height={height} option={option} note={dots.length === 0 ? t("noData") : null} onPick={onPick}
      words={isMarked === true ? `${best.name}: ${xName} ${String(best.x)}, ${yName} ${compact(best.y)}` : `${yName} / ${xName}: ${String(dots.length)}`}
    />
  );
}
