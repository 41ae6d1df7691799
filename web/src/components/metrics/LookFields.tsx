import { SegmentedControl, Slider, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import type { MetricLook } from "./look";

// Averages of everything would be one flat line.
const MOST_SMOOTHING = 0.99;

/** How charts of metrics are drawn. */
export function LookFields({ look, setLook }: { look: MetricLook; setLook: (look: MetricLook) => void }) {
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
