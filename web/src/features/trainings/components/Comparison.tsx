import { Paper, Stack, Text } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { MetricCharts } from "@/components/metrics/MetricCharts";
import { Pending } from "@/components/Pending";
import type { TrainingView } from "@/lib/api/generated/types.gen";

import { useMetricsOf } from "../api/getMetrics";
import { comparedMetrics, labelsOf } from "../comparison";
import { pointsOf } from "../curves";

import { ComparedSettings } from "./ComparedSettings";
import { LastValues } from "./LastValues";

/** Trainings side by side, of whichever experiments: settings, what each metric came to, and their curves in one chart (TR-34). */
export function Comparison({ trainings }: { trainings: readonly TrainingView[] }) {
  const { t } = useTranslation("trainings");
  const { metricLists, error } = useMetricsOf(trainings);
  const compared = useMemo(() => comparedMetrics(metricLists), [metricLists]);
  const charts = useMemo(() => {
    const labels = labelsOf(trainings);
    return compared.map(({ name, metrics }) => ({
      // One that did not log it has its line, too: each training has the same colour in every chart.
      name, lines: metrics.map((metric, place) => ({ name: labels[place] ?? "", points: pointsOf(metric) })),
    }));
  }, [compared, trainings]);
  return (
    <Stack gap="md">
      <ComparedSettings trainings={trainings} />
      {error !== null && <ErrorView error={error} />}
      {compared.length > 0 ? (
        <>
          <LastValues trainings={trainings} compared={compared} />
          <MetricCharts metrics={charts} group="comparison" />
        </>
      ) : metricLists.includes(undefined) ? error === null && <Pending /> : <Paper withBorder p="md"><Text size="sm" c="dimmed">{t("compareNoMetrics")}</Text></Paper>}
    </Stack>
  );
}
