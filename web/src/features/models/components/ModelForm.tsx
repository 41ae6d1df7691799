import { Select, Text, Textarea, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { CreationForm, FormSection } from "@/components/CreationForm";
import { useCreation } from "@/components/creation";
import { KeyValues } from "@/components/KeyValues";
import { TagFields } from "@/components/TagFields";
import type { ModelFormat, ModelSpec } from "@/lib/api/generated/types.gen";
import { zModelSpec } from "@/lib/api/generated/zod.gen";
import { paths } from "@/lib/paths";

import { checkModel, useCreateModel } from "../api/createModel";
import { FORMATS } from "../formats";
import { originOf, variableName, wordsOf } from "../origin";
import { OriginFields } from "./OriginFields";

const MAXIMUM_PARAMETERS = 10;

/** The creation form of a model (MD-02…MD-12), filled in with what the address names. */
export function ModelForm({ name, initial }: { name: string; initial: ModelSpec }) {
  const { t } = useTranslation("models");
  const { t: common } = useTranslation();
  const navigate = useNavigate();
  const createModel = useCreateModel();
  const creation = useCreation<ModelSpec>({
    name, initial, schema: zModelSpec, check: checkModel,
    create: async (body) => {
      const made = await createModel(body);
      await navigate(paths.models.one(made.modelId));
    },
  });
  const { form } = creation;
  const values = form.getValues();
  const isHub = originOf(values) === "hub";
  return (
    <CreationForm creation={creation} words={wordsOf} submitLabel={t("create")}>
      <FormSection title={t("model")}>
        <TextInput label={common("name")} description={t("nameHint")} required {...form.getInputProps("modelName")} />
        <Textarea label={common("description")} autosize minRows={1} {...form.getInputProps("description")} value={values.description ?? ""} />
      </FormSection>
      <OriginFields creation={creation} />
      <FormSection title={t("framework")}>
        {!isHub && (
          <Select
            label={t("framework")} description={values.trainingId || values.hyperparameterTuningId ? t("frameworkOfImage") : undefined} clearable
            data={Object.entries(FORMATS).map(([value, label]) => ({ value, label }))} {...form.getInputProps("modelFormatCode")} value={values.modelFormatCode ?? null}
          />
        )}
        {values.modelFormatCode != null && <Text size="sm" c="dimmed">{t(`artifactOf.${values.modelFormatCode satisfies ModelFormat}`)}</Text>}
        <TextInput label={t("frameworkVersion")} description={t("frameworkVersionHint")} {...form.getInputProps("frameworkVersion")} value={values.frameworkVersion ?? ""} />
      </FormSection>
      <FormSection title={t("parametersAndTags")}>
        <KeyValues
          label={t("parameters")} description={t("parametersHint")} rows={values.parameterList ?? []} names={["parameterName", "parameterValue"]} maximum={MAXIMUM_PARAMETERS}
          keyLabel={t("parameterName")} valueLabel={common("value")} addLabel={t("addParameter")} variableOf={variableName}
          onChange={(rows) => { form.setFieldValue("parameterList", rows); }}
          errorOf={(index, part) => form.errors[index === undefined ? "parameterList" : `parameterList.${String(index)}.${part ?? ""}`]}
        />
        <TagFields tags={values.tagList ?? []} onChange={(tags) => { form.setFieldValue("tagList", tags); }} errorOf={(path) => form.errors[path]} />
      </FormSection>
    </CreationForm>
  );
}
