import { Group, SegmentedControl, SimpleGrid, Slider, Stack, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { useMetricLook, type MetricLook } from "./look";
import { MetricChart, type MetricCurves } from "./MetricChart";

// With more charts than this, one looks for one by its name.
const FEW = 6;
const MOST_SMOOTHING = 0.99;

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

function LookFields({ look, setLook }: { look: MetricLook; setLook: (look: MetricLook) => void }) {
  const { t } = useTranslation("metrics");
  return (
    <>
      <Stack gap={4} w={220}>
        <Text size="xs" fw={500}>{t("smoothing")} {look.smoothing.toFixed(2)}</Text>
        <Slider
          size="sm" min={0} max={MOST_SMOOTHING} step={0.01} label={null} thumbLabel={t("smoothing")} mb={8}
          value={look.smoothing} onChange={(smoothing) => { setLook({ ...look, smoothing }); }}
        />
      </Stack>
      <Stack gap={4}>
        <Text size="xs" fw={500} aria-hidden>{t("scale")}</Text>
        <SegmentedControl
          size="xs" aria-label={t("scale")} data={[{ value: "linear", label: t("linear") }, { value: "log", label: t("logarithmic") }]}
          value={look.isLogarithmic ? "log" : "linear"} onChange={(scale) => { setLook({ ...look, isLogarithmic: scale === "log" }); }}
        />
      </Stack>
    </>
  );
}
