import { Paper, Text } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { LineChart, type LineSeries } from "../charts/LineChart";

import { smoothed } from "./curves";
import type { MetricLook } from "./look";

export interface MetricCurves {
  /** The metric. */
  name: string;
  lines: readonly LineSeries[];
  /** What stands below the chart. */
  words?: string;
}

/** A metric over its steps. */
export function MetricChart({ metric: { name, lines, words }, look: { smoothing, isLogarithmic }, group }: {
  metric: MetricCurves;
  look: MetricLook;
  /** Charts of one group share cursor and zoom. */
  group?: string;
}) {
  const { t } = useTranslation("metrics");
  const series = useMemo(
    () => smoothing === 0 ? lines : lines.map((line) => ({ ...line, points: smoothed(line.points, smoothing), raw: line.points })), [lines, smoothing],
  );
  const hasValues = lines.some(({ points }) => points.some(([, value]) => value !== null));
  return (
    <Paper withBorder p="md" miw={0}>
      <LineChart
        title={name} series={series} xName={t("step")} fromZero={false} isLogarithmic={isLogarithmic} isZoomable group={group} height={260}
        note={hasValues ? t("noPositive") : t("noValues")}
      />
      {words !== undefined && <Text size="xs" c="dimmed" mt={4}>{words}</Text>}
    </Paper>
  );
}
