import { Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { CreationForm, FormSection } from "@/components/CreationForm";
import { useCreation } from "@/components/creation";
import { PairRows } from "@/components/PairRows";
import type { ModelFormat, ModelSpec } from "@/lib/api/generated/types.gen";
import { zModelSpec } from "@/lib/api/generated/zod.gen";
import { paths } from "@/lib/paths";

import { useCreateModel } from "../api/createModel";
import { FORMATS } from "../formats";
import { isSecret, originOf, wordsOf } from "../origin";
import { OriginFields } from "./OriginFields";

const MAXIMUM_ROWS = 10;

/** The creation form of a model (MD-02…MD-12), filled in with what the address names. */
export function ModelForm({ name, initial }: { name: string; initial: ModelSpec }) {
  const { t } = useTranslation("models");
  const { t: common } = useTranslation();
  const navigate = useNavigate();
  const createModel = useCreateModel();
  const creation = useCreation<ModelSpec>({
    name, initial, schema: zModelSpec,
    create: async (body) => {
      const made = await createModel(body);
      await navigate(paths.models.one(made.modelId));
    },
  });
  const { form } = creation;
  const values = form.getValues();
  const isHub = originOf(values) === "hub";
  const parameters = values.parameterList ?? [];
  const tags = values.tagList ?? [];
  const errorOf = (path: string) => form.errors[path];
  return (
    <CreationForm creation={creation} words={wordsOf} submitLabel={t("create")}>
      <FormSection title={common("overview")}>
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
      <FormSection title={t("parameters")}>
        <Text size="sm" c="dimmed">{t("parametersHint")}</Text>
        <PairRows
          rows={parameters.map((each) => ({ name: each.parameterName, value: each.parameterValue ?? "" }))} maximum={MAXIMUM_ROWS}
          nameLabel={t("parameterName")} valueLabel={common("value")} addLabel={t("addParameter")} isSecret={(row) => isSecret(row.name)}
          onChange={(rows) => { form.setFieldValue("parameterList", rows.map((row) => ({ parameterName: row.name, parameterValue: row.value }))); }}
          errorOf={(index, part) => errorOf(`parameterList.${String(index)}.${part === "name" ? "parameterName" : "parameterValue"}`)}
        />
        {errorOf("parameterList") != null && <Text size="xs" c="red">{errorOf("parameterList")}</Text>}
      </FormSection>
      <FormSection title={common("tags")}>
        <Stack gap={4}>
          <PairRows
            rows={tags.map((tag) => ({ name: tag.tagKey, value: tag.tagValue ?? "" }))} maximum={MAXIMUM_ROWS}
            nameLabel={common("key")} valueLabel={common("value")} addLabel={common("addTag")}
            onChange={(rows) => { form.setFieldValue("tagList", rows.map((row) => ({ tagKey: row.name, tagValue: row.value }))); }}
            errorOf={(index, part) => errorOf(`tagList.${String(index)}.${part === "name" ? "tagKey" : "tagValue"}`)}
          />
          {errorOf("tagList") != null && <Text size="xs" c="red">{errorOf("tagList")}</Text>}
        </Stack>
      </FormSection>
    </CreationForm>
  );
}
