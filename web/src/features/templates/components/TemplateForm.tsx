import { Alert, Text, Textarea, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { CreationForm, FormSection, type RequestWords } from "@/components/CreationForm";
import { useCreation } from "@/components/creation";
import { AlgorithmFields } from "@/components/job/AlgorithmFields";
import { DataFields } from "@/components/job/DataFields";
import { LimitFields } from "@/components/job/LimitFields";
import { ResourceFields } from "@/components/job/ResourceFields";
import { ExperimentSelect } from "@/components/pickers/ExperimentSelect";
import { zTrainingTemplateSpec } from "@/lib/api/generated/zod.gen";
import type { SavedTrainingTemplateAnswer, TrainingTemplateSpec } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

import { EMPTY_TEMPLATE, heldOf } from "../held";

/** What a template holds; only its name is required (TT-02, TT-03). */
export function TemplateForm({ source, values, words, submitLabel, check, save }: {
  /** What it is filled from: drafts are kept under it. */
  source: string;
  values: Partial<TrainingTemplateSpec>;
  words: (body: TrainingTemplateSpec) => RequestWords;
  submitLabel: string;
  check?: (body: TrainingTemplateSpec) => Promise<unknown>;
  save: (body: TrainingTemplateSpec) => Promise<SavedTrainingTemplateAnswer>;
}) {
  const { t } = useTranslation(["templates", "job", "common"]);
  const navigate = useNavigate();
  const creation = useCreation<TrainingTemplateSpec>({
    name: `template-${source}`, initial: { ...EMPTY_TEMPLATE, ...values }, schema: zTrainingTemplateSpec,
    check: check === undefined ? undefined : (body) => check(heldOf(body)),
    create: async (body) => {
      const { trainingTemplate, warningList } = await save(heldOf(body));
      for (const warning of warningList) notifications.show({ color: "orange", title: t("warning"), message: warning.message, autoClose: 15_000 });
      void navigate(paths.templates.one(trainingTemplate.trainingTemplateId));
    },
  });
  const { form } = creation;
  return (
    <CreationForm creation={creation} words={(body) => words(heldOf(body))} submitLabel={submitLabel}>
      <Alert variant="light"><Text size="sm">{t("partial")}</Text></Alert>
      <FormSection title={t("basics", { ns: "job" })}>
        <TextInput label={t("name", { ns: "common" })} required maxLength={50} data-autofocus {...form.getInputProps("trainingTemplateName")} />
        <Textarea label={t("description", { ns: "common" })} maxLength={255} autosize minRows={1} {...form.getInputProps("description")} />
        <ExperimentSelect
          label={t("experiment", { ns: "job" })} clearable value={form.getValues().experimentId} error={form.errors.experimentId}
          onChange={(id) => { form.setFieldValue("experimentId", id ?? ""); }}
        />
      </FormSection>
      <AlgorithmFields form={form} isTemplate />
      <ResourceFields form={form} isTemplate />
      <DataFields form={form} isTemplate />
      <LimitFields form={form} />
    </CreationForm>
  );
}
