import { LineChart, type LineChartProps } from "./LineChart";

/** Values over time: points are `[milliseconds, value]`. Charts of one `group` share cursor and zoom. */
export function TimeChart(props: Omit<LineChartProps, "xName" | "onPick">) {
  return <LineChart {...props} />;
}
