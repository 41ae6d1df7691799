import { Group, Progress, SegmentedControl, Stack, Text, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { Panel } from "@/components/Panel";
import { ResourceLink } from "@/components/ResourceLink";
import type { TopEndpointView } from "@/lib/api/generated/types.gen";

import { PERIODS, useTopEndpoints, type Period } from "../api/listTopEndpoints";

/** The three endpoints with the most calls; choosing one shows how they ended, over all of its stages (DB-07…DB-09). */
export function TopEndpoints() {
  const { t } = useTranslation("dashboard");
  const [params, setParams] = useSearchParams();
  const period = PERIODS.find((each) => each === params.get("period")) ?? "24h";
  const { data, error } = useTopEndpoints(period);
  const [chosenId, setChosenId] = useState<string | null>(null);
  const endpoints = data?.endpointList ?? [];
  const chosen = endpoints.find((each) => each.endpointId === chosenId) ?? endpoints[0];
  const most = Math.max(1, ...endpoints.map((each) => each.calls.callCount));
  return (
    <Panel
      title={t("topEndpoints")}
      aside={(
        <SegmentedControl
          size="xs" aria-label={t("period")} value={period} data={PERIODS.map((value) => ({ value, label: t(`periods.${value}`) }))}
          onChange={(value: Period) => { setParams((now) => { now.set("period", value); return now; }, { replace: true }); }}
        />
      )}
    >
      {error && <ErrorView error={error} />}
      {data !== undefined && endpoints.length === 0 && <Text size="sm" c="dimmed">{t("noEndpoints")}</Text>}
      <Stack gap={4}>
        {endpoints.map(({ endpointId, endpointName, calls }) => (
          <UnstyledButton
            key={endpointId} aria-pressed={endpointId === chosen?.endpointId} onClick={() => { setChosenId(endpointId); }} px={6} py={3}
            bg={endpointId === chosen?.endpointId ? "var(--mantine-color-default-hover)" : undefined} style={{ borderRadius: "var(--mantine-radius-sm)" }}
          >
            <Group justify="space-between" wrap="nowrap"><Text size="sm" truncate>{endpointName}</Text><Text size="sm">{t("calls", { count: calls.callCount })}</Text></Group>
            <Progress size="xs" value={calls.callCount / most * 100} aria-hidden />
          </UnstyledButton>
        ))}
      </Stack>
      {chosen !== undefined && <Outcome endpoint={chosen} />}
    </Panel>
  );
}

function Outcome({ endpoint: { endpointId, endpointName, calls } }: { endpoint: TopEndpointView }) {
  const { t, i18n } = useTranslation("dashboard");
  const number = (value: number): string => value.toLocaleString(i18n.language);
  return (
    <Group gap="lg" mt="xs" px={6} role="status">
      <Text size="sm"><ResourceLink kind="endpoint" id={endpointId} name={endpointName} /></Text>
      <Text size="sm">{t("successes")} <b>{number(calls.successCount)}</b></Text>
      <Text size="sm" c={calls.failureCount > 0 ? "red" : undefined}>{t("failures")} <b>{number(calls.failureCount)}</b></Text>
      {calls.p50Ms !== null && <Text size="sm" c="dimmed">{t("median", { ms: calls.p50Ms.toFixed(1) })}</Text>}
    </Group>
  );
}
