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
import { useEffect, useRef, useState } from "react";

import { themeOf } from "./theme";

register([
  BarChart, LineChart, ParallelChart, ScatterChart, AxisPointerComponent, DataZoomInsideComponent, GridComponent, LegendScrollComponent,
  MarkLineComponent, ParallelComponent, ToolboxComponent, TooltipComponent, VisualMapContinuousComponent, CanvasRenderer,
]);

// How far from the window a chart is drawn before somebody scrolls to it.
const NEAR = "400px";

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

/**
 * A canvas that shows an option. What changed is drawn into what is there, so that nothing flickers while data grow. Far from the window
 * nothing is drawn at all: a page may have a hundred charts that grow.
 */
export default function Canvas({ option, height, group, isZoomable = false, onPick }: CanvasProps) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const picked = useRef(onPick);
  const scheme = useComputedColorScheme("light");
  const [isNear, setNear] = useState(false);
  const [isBegun, setBegun] = useState(false);
  useEffect(() => { picked.current = onPick; }, [onPick]);

  useEffect(() => {
    if (frame.current === null) return;
    const sight = new IntersectionObserver((entries) => {
      const now = entries.at(-1)?.isIntersecting === true;
      setNear(now);
      if (now) setBegun(true);
    }, { rootMargin: NEAR });
    sight.observe(frame.current);
    return () => { sight.disconnect(); };
  }, []);

  useEffect(() => {
    if (!isBegun || frame.current === null) return;
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
  }, [isBegun, scheme]);

  useEffect(() => {
    if (chart.current === null || group === undefined) return;
    chart.current.group = group;
    connect(group);
  }, [group, isBegun, scheme]);

  useEffect(() => {
    if (!isNear) return;
    chart.current?.setOption(option, { replaceMerge: ["series", "parallelAxis"] });
    if (isZoomable) chart.current?.dispatchAction({ type: "takeGlobalCursor", key: "dataZoomSelect", dataZoomSelectActive: true });
  }, [option, isZoomable, isNear, isBegun, scheme]);

  return <div ref={frame} style={{ height, width: "100%" }} />;
}
