import { Collapse, Group, NumberInput, SegmentedControl, Select, Stack, Switch, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { ResourceSpec, ScaleMetric } from "@/lib/api/generated/types.gen";

import type { Fields } from "../stageForm";
import { ModelSelect } from "./ModelSelect";

type Share = "equal" | "percentage" | "amounts";

const METRICS = ["CPU_UTILIZATION", "MEMORY_UTILIZATION", "REQUESTS"] as const satisfies readonly ScaleMetric[];

function shareOf({ resourceOptionDetail: detail }: ResourceSpec): Share {
  if (detail?.percentage != null) return "percentage";
  return [detail?.cpu, detail?.memory, detail?.gpu].some((each) => each != null) ? "amounts" : "equal";
}

/** One model on a stage: what its pods get, how many they are, how they follow the load (SR-01…SR-08, AS-12…AS-15). */
export function ResourceFields({ fields }: { fields: Fields<ResourceSpec> }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const { values, set, errorOf } = fields;
  const [share, setShare] = useState<Share>(shareOf(values));
  const [isMore, more] = useDisclosure(values.podAutoScaleEnable === true || (values.apigwResourceUri ?? "") !== "" || (values.scaleToZeroIdleMinutes ?? 0) > 0);
  const detail = values.resourceOptionDetail ?? {};
  const choose = (next: Share): void => {
    setShare(next);
    // A percentage and amounts exclude each other (SR-10).
    set("resourceOptionDetail", next === "percentage" ? { percentage: 50 } : {});
  };
  const number = (value: string | number): number | undefined => (typeof value === "number" ? value : undefined);
  return (
    <Stack gap="sm">
      <Group align="flex-start" wrap="wrap">
        <ModelSelect value={values.modelId} onChange={(id) => { set("modelId", id); }} error={errorOf("modelId")} />
        <NumberInput label={t("podCount")} w={150} min={1} max={100} value={values.podCount ?? 1} onChange={(value) => { set("podCount", number(value)); }} error={errorOf("podCount")} />
      </Group>
      <Stack gap={4}>
        <Text size="sm" fw={500} component="span">{t("allocation")}</Text>
        <SegmentedControl
          size="xs" value={share} onChange={(value) => { choose(value as Share); }} aria-label={t("allocation")} style={{ alignSelf: "flex-start" }}
          data={[{ value: "equal", label: t("shareEqual") }, { value: "percentage", label: t("sharePercentage") }, { value: "amounts", label: t("shareAmounts") }]}
        />
        <Text size="xs" c="dimmed">{t(`shareHint.${share}`)}</Text>
        {share === "percentage" && (
          <NumberInput aria-label={t("percentage")} suffix=" %" w={140} min={1} max={100} value={detail.percentage ?? ""} onChange={(value) => { set("resourceOptionDetail.percentage", number(value)); }} error={errorOf("resourceOptionDetail.percentage")} />
        )}
        {share === "amounts" && (
          <Group align="flex-start">
            <TextInput label="vCPU" placeholder="500m" w={110} value={detail.cpu ?? ""} onChange={(event) => { set("resourceOptionDetail.cpu", event.currentTarget.value); }} error={errorOf("resourceOptionDetail.cpu")} />
            <TextInput label={t("memory")} placeholder="1Gi" w={110} value={detail.memory ?? ""} onChange={(event) => { set("resourceOptionDetail.memory", event.currentTarget.value); }} error={errorOf("resourceOptionDetail.memory")} />
            <TextInput label="GPU" placeholder="0" w={90} value={detail.gpu ?? ""} onChange={(event) => { set("resourceOptionDetail.gpu", event.currentTarget.value); }} error={errorOf("resourceOptionDetail.gpu")} />
          </Group>
        )}
        {errorOf("resourceOptionDetail") != null && <Text size="xs" c="red" role="alert">{errorOf("resourceOptionDetail")}</Text>}
      </Stack>
      <UnstyledButton onClick={more.toggle} aria-expanded={isMore}><Text size="sm" c="var(--mantine-color-anchor)">{t(isMore ? "lessOfModel" : "moreOfModel")}</Text></UnstyledButton>
      <Collapse expanded={isMore}>
        <Stack gap="sm">
          <Switch label={t("podAutoscaler")} description={t("podAutoscalerHint")} checked={values.podAutoScaleEnable === true} onChange={(event) => { set("podAutoScaleEnable", event.currentTarget.checked); }} />
          {values.podAutoScaleEnable === true && (
            <Group align="flex-start">
              <Select
                label={t("scaleMetric")} allowDeselect={false} value={values.scaleMetricCode ?? "CPU_UTILIZATION"} onChange={(value) => { set("scaleMetricCode", value); }}
                data={METRICS.map((value) => ({ value, label: t(`metricOf.${value}`) }))}
              />
              <NumberInput
                label={t("threshold")} w={130} min={1} suffix={values.scaleMetricCode === "REQUESTS" ? "" : " %"} value={values.scaleMetricTarget ?? 50}
                onChange={(value) => { set("scaleMetricTarget", number(value)); }} error={errorOf("scaleMetricTarget")}
              />
            </Group>
          )}
          <NumberInput
            label={t("scaleToZero")} description={t("scaleToZeroHint")} w={320} maw="100%" min={0} max={10080} suffix={t("minutesSuffix")} value={values.scaleToZeroIdleMinutes ?? 0}
            onChange={(value) => { set("scaleToZeroIdleMinutes", number(value)); }} error={errorOf("scaleToZeroIdleMinutes")}
          />
          <TextInput label={t("ownPath")} description={t("ownPathHint")} placeholder="/inference" value={values.apigwResourceUri ?? ""} onChange={(event) => { set("apigwResourceUri", event.currentTarget.value); }} error={errorOf("apigwResourceUri")} />
          <TextInput label={common("description")} value={values.description ?? ""} onChange={(event) => { set("description", event.currentTarget.value); }} error={errorOf("description")} />
        </Stack>
      </Collapse>
    </Stack>
  );
}
