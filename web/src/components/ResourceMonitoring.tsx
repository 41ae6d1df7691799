import { Group, Skeleton, Stack, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";

import { useCurrentUse } from "@/lib/currentUse";

import { ErrorView } from "./ErrorView";
import type { ReadUse } from "./monitoring/use";
import { UseCharts } from "./monitoring/UseCharts";
import { TimeRange } from "./TimeRange";
import { useTimeRange, type RangeName } from "./timeRangeState";

/**
 * What something used over time (GN-19): its nodes or pods, in a range of time that the address keeps.
 *
 * `queryKey` names whose use it is, `read` asks for it (`monitoring/use.ts` has what reads trainings, stages and the machine).
 * While it `isRunning`, new samples bring the charts forward.
 */
export function ResourceMonitoring({ queryKey, read, isRunning, initial = "1h", withAll = true }: {
  queryKey: readonly string[];
  read: ReadUse;
  isRunning: boolean;
  initial?: Exclude<RangeName, "own">;
  withAll?: boolean;
}) {
  const { t } = useTranslation("monitoring");
  const range = useTimeRange(initial);
  const { data: use, error, refetch, dataUpdatedAt } = useQuery({
    queryKey: ["monitoring", ...queryKey, { name: range.name, from: range.from, to: range.to }], queryFn: () => read(range.query()), placeholderData: keepPreviousData,
  });
  const { toldAt: sampledAt } = useCurrentUse();
  const isMoving = isRunning && range.isMoving;
  const stepMs = (use?.stepSeconds ?? 0) * 1000;
  // A new sample is worth a question when it may make a point of its own: points lie a step apart, and samples are not punctual.
  useEffect(() => {
    if (isMoving && dataUpdatedAt > 0 && sampledAt - dataUpdatedAt >= stepMs / 2) void refetch();
  }, [isMoving, sampledAt, dataUpdatedAt, stepMs, refetch]);
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <TimeRange state={range} withAll={withAll} />
        <Text size="xs" c="dimmed">{t("zoomHint")}</Text>
      </Group>
      {error !== null ? <ErrorView error={error} retry={() => { void refetch(); }} /> : use === undefined ? <Skeleton height={480} />
        : use.members.length === 0 ? <Text c="dimmed">{t("noSamples")}</Text> : <UseCharts use={use} group={queryKey.join("-")} />}
    </Stack>
  );
}
