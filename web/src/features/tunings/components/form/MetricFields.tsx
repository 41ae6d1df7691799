import { Group, Input, NumberInput, SegmentedControl, Select, TagsInput, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { FormSection } from "@/components/CreationForm";
import type { ObjectiveType } from "@/lib/api/generated/types.gen";

import { DEFAULT_REGEX, type TuningFormState } from "../../tuningForm";

import { MetricTest } from "./MetricTest";

const MAXIMUM_METRICS = 10;

/** Which metrics the code prints and how, and which of them counts (HP-26…HP-30). */
export function MetricFields({ form }: { form: TuningFormState }) {
  const { t } = useTranslation("tunings");
  const { metricList = [], metricRegex = "", objectiveMetric, objectiveTypeCode, objectiveGoal } = form.getValues();
  const names = metricList.map(({ name }) => name);
  const setNames = (wanted: string[]): void => {
    form.setFieldValue("metricList", wanted.map((name) => ({ name })));
    // The only metric is the one that counts; one that is gone counts no more.
    if (objectiveMetric == null || !wanted.includes(objectiveMetric.name)) form.setFieldValue("objectiveMetric", wanted.length === 1 && wanted[0] !== undefined ? { name: wanted[0] } : null);
  };
  const metricFault = form.errors.metricList ?? Object.entries(form.errors).find(([field]) => field.startsWith("metricList."))?.[1];
  return (
    <FormSection title={t("metricsAndObjective")}>
      <TagsInput
        label={t("metricNames")} description={t("metricNamesHint")} required maxTags={MAXIMUM_METRICS} splitChars={[",", " "]} acceptValueOnBlur placeholder={names.length === 0 ? "loss, accuracy" : undefined}
        value={names} onChange={setNames} error={metricFault}
      />
      <TextInput label={t("metricFormat")} description={t("metricFormatHint")} placeholder={DEFAULT_REGEX} maxLength={255} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} spellCheck={false} autoComplete="off" {...form.getInputProps("metricRegex")} />
      <MetricTest regex={metricRegex} names={names} />
      <Group align="flex-start" gap="md">
        <Select
          label={t("objective")} required w={220} data={names} placeholder={names.length === 0 ? t("metricsFirst") : undefined} disabled={names.length === 0} allowDeselect={false}
          value={objectiveMetric?.name ?? null} onChange={(name) => { form.setFieldValue("objectiveMetric", name === null ? null : { name }); }} error={form.errors.objectiveMetric ?? form.errors["objectiveMetric.name"]}
        />
        <Input.Wrapper label={t("better")} labelElement="div">
          <SegmentedControl
            display="flex" aria-label={t("better")} value={objectiveTypeCode ?? ""} data={[{ value: "MINIMIZE", label: t("minimize") }, { value: "MAXIMIZE", label: t("maximize") }]}
            onChange={(type) => { form.setFieldValue("objectiveTypeCode", type as ObjectiveType); }}
          />
        </Input.Wrapper>
        <NumberInput label={t("goal")} description={t("goalHint")} w={200} {...form.getInputProps("objectiveGoal")} value={objectiveGoal ?? ""} />
      </Group>
    </FormSection>
  );
}
