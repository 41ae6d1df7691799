/** What draws: the parts of ECharts that this page uses. Loaded when the first chart comes into sight of a page. */
import { useComputedColorScheme } from "@mantine/core";
import type { EChartsOption } from "echarts";
import { BarChart, LineChart, ParallelChart, ScatterChart } from "echarts/charts";
import {
  AxisPointerComponent, DataZoomInsideComponent, GridComponent, LegendScrollComponent, MarkLineComponent, ParallelComponent,
  ToolboxComponent, TooltipComponent, VisualMapContinuousComponent,
} from "echarts/components";
import { connect, init, use as register, type ECharts } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";

import { themeOf } from "./theme";

register([
  BarChart, LineChart, ParallelChart, ScatterChart, AxisPointerComponent, DataZoomInsideComponent, GridComponent, LegendScrollComponent,
  MarkLineComponent, ParallelComponent, ToolboxComponent, TooltipComponent, VisualMapContinuousComponent, CanvasRenderer,
]);

export interface CanvasProps {
  option: EChartsOption;
  height: number;
  /** Charts of one group have one cursor and one zoom. */
  group?: string;
  /** A range is chosen by dragging; a double click shows everything again. */
  isZoomable?: boolean;
  /** Told which point somebody clicked: its place in its series. */
  onPick?: (index: number, series: number) => void;
}

/** A canvas that shows an option. What changed is drawn into what is there, so that nothing flickers while data grow. */
export default function Canvas({ option, height, group, isZoomable = false, onPick }: CanvasProps) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const picked = useRef(onPick);
  const scheme = useComputedColorScheme("light");
  useEffect(() => { picked.current = onPick; }, [onPick]);

  useEffect(() => {
    if (frame.current === null) return;
    const made = init(frame.current, themeOf(scheme), { renderer: "canvas" });
    chart.current = made;
    made.on("click", ({ dataIndex, seriesIndex }) => { picked.current?.(dataIndex, seriesIndex ?? 0); });
    made.getZr().on("dblclick", () => { made.dispatchAction({ type: "dataZoom", start: 0, end: 100 }); });
    const sizes = new ResizeObserver(() => { made.resize(); });
    sizes.observe(frame.current);
    return () => {
      sizes.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, [scheme]);

  useEffect(() => {
    if (chart.current === null || group === undefined) return;
    chart.current.group = group;
    connect(group);
  }, [group, scheme]);

  useEffect(() => {
    chart.current?.setOption(option, { replaceMerge: ["series", "parallelAxis"] });
    if (isZoomable) chart.current?.dispatchAction({ type: "takeGlobalCursor", key: "dataZoomSelect", dataZoomSelectActive: true });
  }, [option, isZoomable, scheme]);

  return <div ref={frame} style={{ height, width: "100%" }} />;
}
