import { Radio, Select, Stack, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { FormSection } from "@/components/CreationForm";
import type { Creation } from "@/components/creation";
import { StoragePath } from "@/components/pickers/StoragePath";
import type { ModelSpec } from "@/lib/api/generated/types.gen";

import { useCompleteTrainings, useCompleteTunings, useSourceTraining, useSourceTuning } from "../api/source";
import { HUB_PARAMETER, hubIdOf, originOf, withOrigin, type Origin } from "../origin";

const ORIGINS = ["training", "tuning", "address", "hub"] as const satisfies readonly Origin[];
const TYPING_MS = 200;

/** Where the model comes from; what is chosen decides which field is asked for. */
export function OriginFields({ creation: { form } }: { creation: Creation<ModelSpec> }) {
  const { t } = useTranslation("models");
  const values = form.getValues();
  const [origin, setOrigin] = useState<Origin>(originOf(values));
  const choose = (next: Origin): void => {
    setOrigin(next);
    form.setValues(withOrigin(values, next));
  };
  return (
    <FormSection title={t("origin")}>
      <Radio.Group value={origin} onChange={(value) => { choose(value as Origin); }} aria-label={t("origin")}>
        <Stack gap="xs">
          {ORIGINS.map((each) => <Radio key={each} value={each} label={t(`originOf.${each}`)} />)}
        </Stack>
      </Radio.Group>
      {origin === "address" && (
        <StoragePath label={t("artifact")} description={t("artifactHint")} required needs="read" {...form.getInputProps("modelUploadUri")} value={values.modelUploadUri ?? ""} />
      )}
      {origin === "training" && <TrainingSelect value={values.trainingId ?? null} error={form.errors.trainingId} onChange={(id) => { form.setFieldValue("trainingId", id); }} />}
      {origin === "tuning" && (
        <TuningSelect value={values.hyperparameterTuningId ?? null} error={form.errors.hyperparameterTuningId} onChange={(id) => { form.setFieldValue("hyperparameterTuningId", id); }} />
      )}
      {origin === "hub" && (
        <TextInput
          label={t("hubId")} description={t("hubHint")} placeholder="org/name" required value={hubIdOf(values) ?? ""} error={form.errors["parameterList.0.parameterValue"]}
          onChange={(event) => {
            const others = (values.parameterList ?? []).filter((each) => each.parameterName !== HUB_PARAMETER);
            form.setFieldValue("parameterList", [{ parameterName: HUB_PARAMETER, parameterValue: event.currentTarget.value }, ...others]);
          }}
        />
      )}
    </FormSection>
  );
}

interface SelectProps {
  value: string | null;
  error: React.ReactNode;
  onChange: (id: string) => void;
}

interface Choice {
  value: string;
  label: string;
}

/** The choices with the one that is chosen, which need not be among those that are shown first. */
const including = (choices: readonly Choice[], chosen: Choice | undefined): Choice[] =>
  chosen === undefined || choices.some((each) => each.value === chosen.value) ? [...choices] : [chosen, ...choices];

function TrainingSelect({ value, error, onChange }: SelectProps) {
  const { t } = useTranslation("models");
  const [text, setText] = useState("");
  const [keyword] = useDebouncedValue(text, TYPING_MS);
  const { data: source } = useSourceTraining(value || null);
  const { data = [] } = useCompleteTrainings(keyword === source?.trainingName ? "" : keyword, true);
  const choices = data.map((each) => ({ value: each.trainingId, label: each.trainingName ?? each.trainingId }));
  const chosen = source === undefined ? undefined : { value: source.trainingId, label: source.trainingName ?? source.trainingId };
  return (
    <Select
      label={t("training")} description={t("trainingHint")} required searchable nothingFoundMessage={t("noTraining")} data={including(choices, chosen)}
      filter={({ options }) => options} value={value || null} error={error} searchValue={text} onSearchChange={setText} onChange={(id) => { onChange(id ?? ""); }}
    />
  );
}

function TuningSelect({ value, error, onChange }: SelectProps) {
  const { t } = useTranslation("models");
  const [text, setText] = useState("");
  const [keyword] = useDebouncedValue(text, TYPING_MS);
  const { data: source } = useSourceTuning(value || null);
  const { data = [] } = useCompleteTunings(keyword === source?.hyperparameterTuningName ? "" : keyword, true);
  const choices = data.map((each) => ({ value: each.hyperparameterTuningId, label: each.hyperparameterTuningName ?? each.hyperparameterTuningId }));
  const chosen = source === undefined ? undefined : { value: source.hyperparameterTuningId, label: source.hyperparameterTuningName ?? source.hyperparameterTuningId };
  return (
    <Select
      label={t("tuning")} description={t("tuningHint")} required searchable nothingFoundMessage={t("noTuning")} data={including(choices, chosen)}
      filter={({ options }) => options} value={value || null} error={error} searchValue={text} onSearchChange={setText} onChange={(id) => { onChange(id ?? ""); }}
    />
  );
}
