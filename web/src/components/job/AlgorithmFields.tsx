import { TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { FormSection } from "../CreationForm";
import { KeyValues } from "../KeyValues";
import { StoragePath } from "../pickers/StoragePath";

import { rowErrors, variableSuffix, type JobForm } from "./jobForm";

const MAXIMUM_HYPERPARAMETERS = 100;

/** Own algorithm: where the code is, with what it begins, and its hyperparameters, unless a search proposes them (TR-09 to TR-12). */
export function AlgorithmFields({ form, isTemplate = false, isSearched = false }: { form: JobForm; isTemplate?: boolean; isSearched?: boolean }) {
  const { t } = useTranslation("job");
  return (
    <FormSection title={t("algorithm")}>
      <StoragePath label={t("source")} description={t("sourceHint")} required={!isTemplate} wants="folder" needs="read" {...form.getInputProps("sourceDirUri")} />
      <TextInput label={t("entryPoint")} placeholder="train.py" description={t("entryPointHint")} required={!isTemplate} maxLength={255} {...form.getInputProps("entryPoint")} />
      {!isSearched && (
        <KeyValues
          label={t("hyperparameters")} description={t("hyperparametersHint")} rows={form.getValues().hyperparameterList ?? []}
          onChange={form.getInputProps("hyperparameterList").onChange} names={["parameterName", "parameterValue"]} maximum={MAXIMUM_HYPERPARAMETERS}
          keyLabel={t("key")} valueLabel={t("value")} addLabel={t("addHyperparameter")}
          variableOf={(key) => `EM_HP_${variableSuffix(key)}`} errorOf={rowErrors(form, "hyperparameterList")}
        />
      )}
    </FormSection>
  );
}
