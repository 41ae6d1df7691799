import { Group, NumberInput, Stack, Switch, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import type { Fields, StageSettings } from "../stageForm";

type NumberName = "caMinNodeCount" | "caMaxNodeCount" | "caScaleDownUtilThresh" | "caScaleDownUnneededTime" | "caScaleDownDelayAfterAdd";

// The API's own, which it takes for what is absent (AS-03…AS-08).
const DEFAULTS: Record<NumberName, number> = { caMinNodeCount: 1, caMaxNodeCount: 10, caScaleDownUtilThresh: 50, caScaleDownUnneededTime: 10, caScaleDownDelayAfterAdd: 10 };

/** The node autoscaler of a stage (AS-01…AS-09). */
export function NodeAutoscaler({ fields: { values, set, errorOf } }: { fields: Fields<StageSettings> }) {
  const { t } = useTranslation("endpoints");
  const field = (name: NumberName, suffix = "") => (
    <NumberInput
      key={name} label={t(`autoscaler.${name}`)} w={180} min={name.endsWith("NodeCount") ? 1 : 0} suffix={suffix} value={values[name] ?? DEFAULTS[name]} error={errorOf(name)}
      onChange={(value) => { set(name, typeof value === "number" ? value : undefined); }}
    />
  );
  return (
    <Stack gap="sm">
      <Switch label={t("nodeAutoscaler")} description={t("nodeAutoscalerHint")} checked={values.caEnable === true} onChange={(event) => { set("caEnable", event.currentTarget.checked); }} />
      {values.caEnable === true && (
        <>
          <Group align="flex-start">{field("caMinNodeCount")}{field("caMaxNodeCount")}</Group>
          <Switch label={t("scaleIn")} checked={values.caScaleDownEnable !== false} onChange={(event) => { set("caScaleDownEnable", event.currentTarget.checked); }} />
          {values.caScaleDownEnable !== false && (
            <Group align="flex-end">
              {field("caScaleDownUtilThresh", " %")}{field("caScaleDownUnneededTime", t("minutesSuffix"))}{field("caScaleDownDelayAfterAdd", t("minutesSuffix"))}
            </Group>
          )}
          <Text size="xs" c="dimmed">{t("oneMachine")}</Text>
        </>
      )}
    </Stack>
  );
}
