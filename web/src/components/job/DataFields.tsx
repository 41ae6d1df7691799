import { useTranslation } from "react-i18next";

import { FormSection } from "../CreationForm";
import { KeyValues } from "../KeyValues";
import { StoragePath } from "../pickers/StoragePath";

import { rowErrors, variableSuffix, type JobForm } from "./jobForm";

const MAXIMUM_DATASETS = 10;

/** What a job reads and where its results go: data sets, checkpoints, output (TR-18 to TR-21). */
export function DataFields({ form, isTemplate = false }: { form: JobForm; isTemplate?: boolean }) {
  const { t } = useTranslation("job");
  return (
    <FormSection title={t("data")}>
      <KeyValues
        label={t("datasets")} description={t("datasetsHint")} rows={form.getValues().datasetList ?? []} onChange={form.getInputProps("datasetList").onChange}
        names={["datasetName", "dataUri"]} maximum={MAXIMUM_DATASETS} keyLabel={t("datasetName")} valueLabel={t("path")} addLabel={t("addDataset")}
        variableOf={(name) => `EM_DATASET_${variableSuffix(name)}`} errorOf={rowErrors(form, "datasetList")}
        valueInput={(props) => <StoragePath wants="folder" needs="read" {...props} />}
      />
      <StoragePath label={t("checkpointInput")} description={t("checkpointInputHint")} wants="folder" needs="read" {...form.getInputProps("checkPointInputUri")} />
      <StoragePath label={t("modelOutput")} description={t("modelOutputHint")} required={!isTemplate} wants="folder" needs="write" {...form.getInputProps("modelUploadUri")} />
      <StoragePath label={t("checkpointOutput")} description={t("checkpointOutputHint")} wants="folder" needs="write" {...form.getInputProps("checkPointUploadUri")} />
    </FormSection>
  );
}
