import { Group, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { LookFields } from "./LookFields";
import { useMetricLook } from "./look";
import { MetricChart, type MetricCurves } from "./MetricChart";

// With more charts than this, one looks for one by its name.
const FEW = 6;

/** A chart for each metric, under one cursor, with how they are drawn. */
export function MetricCharts({ metrics, group }: { metrics: readonly MetricCurves[]; group: string }) {
  const { t } = useTranslation("metrics");
  const [look, setLook] = useMetricLook();
  const [text, setText] = useState("");
  // Many charts are smoothed anew behind the slider, which moves on.
  const drawn = useDeferredValue(look);
  const shown = metrics.filter(({ name }) => name.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <Stack gap="md">
      <Group gap="lg" align="flex-end">
        {metrics.length > FEW && (
          <TextInput
            size="xs" w={220} type="search" label={t("filter")} leftSection={<IconSearch size={14} />}
            value={text} onChange={(event) => { setText(event.currentTarget.value); }}
          />
        )}
        <LookFields look={look} setLook={setLook} />
        <Text size="xs" c="dimmed" visibleFrom="sm">{t("zoomHint", { ns: "monitoring" })}</Text>
      </Group>
      {metrics.length > FEW && <Text size="xs" c="dimmed" role="status">{t("shownOf", { shown: shown.length, count: metrics.length })}</Text>}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        {shown.map((metric) => <MetricChart key={metric.name} metric={metric} look={drawn} group={group} />)}
      </SimpleGrid>
    </Stack>
  );
}
