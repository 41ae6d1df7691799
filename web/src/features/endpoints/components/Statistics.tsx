import { Group, SimpleGrid, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { TimeChart } from "@/components/charts/TimeChart";
import { ErrorView } from "@/components/ErrorView";
import { Facts } from "@/components/Facts";
import { Ago } from "@/components/Time";
import { TimeRange } from "@/components/TimeRange";
import { useTimeRange } from "@/components/timeRangeState";
import type { ApiStatisticsView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";

import { useStatistics, type Called } from "../api/statistics";
import { rateOf, valuesOf } from "../statistics";

/** Calls over time: how many, how many failed, how long they took (GW-05, ST-09). */
export function Statistics({ called }: { called: Called }) {
  const { t } = useTranslation("endpoints");
  const range = useTimeRange("1h");
  const { data: found, error, refetch } = useStatistics(called, range);
  return (
    <Stack gap="lg">
      <Group justify="space-between">
        <TimeRange state={range} withAll={false} />
        {found?.collectedDatetime != null && <Text size="xs" c="dimmed">{t("collected")} <Ago at={found.collectedDatetime} /></Text>}
      </Group>
      {error !== null ? <ErrorView error={error} retry={() => { void refetch(); }} /> : found === undefined ? <Skeleton height={480} /> : <Found found={found} group={called.id} />}
    </Stack>
  );
}

const milliseconds = (value: number | null): string | null => (value === null ? null : `${compact(value)} ms`);

function Found({ found, group }: { found: ApiStatisticsView; group: string }) {
  const { t } = useTranslation("endpoints");
  const { total } = found;
  const share = total.callCount === 0 ? null : `${total.failureCount.toLocaleString()} (${compact((100 * total.failureCount) / total.callCount)} %)`;
  return (
    <>
      <Facts
        cols={5}
        facts={[
          [t("calls"), total.callCount.toLocaleString()], [t("failures"), share], [t("median"), milliseconds(total.p50Ms)],
          [t("p90"), milliseconds(total.p90Ms)], [t("p99"), milliseconds(total.p99Ms)],
        ]}
      />
      {total.callCount === 0 ? <Text c="dimmed" size="sm">{t("noCalls")}</Text> : (
        <>
          <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
            <TimeChart
              title={t("callsPerMinute")} group={group}
              series={[{ name: t("succeeded"), points: rateOf(found, (calls) => calls.successCount) }, { name: t("failed"), points: rateOf(found, (calls) => calls.failureCount) }]}
            />
            <TimeChart
              title={t("latency")} unit="ms" group={group}
              series={[
                { name: t("median"), points: valuesOf(found, (calls) => calls.p50Ms) }, { name: t("p90"), points: valuesOf(found, (calls) => calls.p90Ms) },
                { name: t("p99"), points: valuesOf(found, (calls) => calls.p99Ms) },
              ]}
            />
          </SimpleGrid>
          <Apis found={found} />
        </>
      )}
    </>
  );
}

function Apis({ found }: { found: ApiStatisticsView }) {
  const { t } = useTranslation("endpoints");
  return (
    <Stack gap="xs">
      <Title order={2} size="h5">{t("byApi")}</Title>
      <Table.ScrollContainer minWidth={640}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("stage")}</Table.Th><Table.Th>{t("model")}</Table.Th><Table.Th>{t("api")}</Table.Th><Table.Th ta="right">{t("calls")}</Table.Th>
              <Table.Th ta="right">{t("failures")}</Table.Th><Table.Th ta="right">{t("median")}</Table.Th><Table.Th ta="right">{t("p99")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.apiList.map((each) => (
              <Table.Tr key={`${each.endpointStageId} ${each.modelId ?? ""} ${each.api}`}>
                <Table.Td>{each.endpointStageName}{each.endpointStageStatusCode === "DELETED" && <Text span size="xs" c="dimmed"> {t("deleted")}</Text>}</Table.Td>
                <Table.Td>{each.modelName ?? "–"}</Table.Td>
                <Table.Td>{[each.method, each.api].filter(Boolean).join(" ")}</Table.Td>
                <Table.Td ta="right">{each.calls.callCount.toLocaleString()}</Table.Td>
                <Table.Td ta="right" c={each.calls.failureCount > 0 ? "red" : undefined}>{each.calls.failureCount.toLocaleString()}</Table.Td>
                <Table.Td ta="right">{milliseconds(each.calls.p50Ms) ?? "–"}</Table.Td>
                <Table.Td ta="right">{milliseconds(each.calls.p99Ms) ?? "–"}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}
