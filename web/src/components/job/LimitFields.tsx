import { NumberInput, Switch } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { FormSection } from "../CreationForm";
import { KeyValues } from "../KeyValues";

import { rowErrors, type JobForm } from "./jobForm";

const MAXIMUM_TAGS = 10;
const MAXIMUM_HOURS = 720;
const MAXIMUM_GB = 10_000;
const MINUTES = 60;
const NARROW = { wrapper: { maxWidth: 240 } };

/** Storage size, time, logs and tags of a job (TR-22 to TR-25). */
export function LimitFields({ form }: { form: JobForm }) {
  const { t } = useTranslation("job");
  const { value: minutes, onChange: onMinutes, ...timeout } = form.getInputProps("timeoutMinutes");
  return (
    <FormSection title={t("limits")}>
      <NumberInput
        label={t("timeout")} description={t("timeoutHint")} min={0} max={MAXIMUM_HOURS} decimalScale={2} suffix=" h" styles={NARROW} {...timeout}
        value={typeof minutes === "number" ? minutes / MINUTES : ""}
        onChange={(hours) => { onMinutes(typeof hours === "number" ? Math.round(hours * MINUTES) : ""); }}
      />
      <NumberInput
        label={t("storageSize")} description={t("storageSizeHint")} min={1} max={MAXIMUM_GB} allowDecimal={false} suffix=" GB" styles={NARROW}
        {...form.getInputProps("dataStorageSize")} value={form.getValues().dataStorageSize ?? ""}
      />
      <Switch label={t("useLog")} description={t("useLogHint")} {...form.getInputProps("useLog", { type: "checkbox" })} />
      <KeyValues
        label={t("tags", { ns: "common" })} rows={form.getValues().tagList ?? []} onChange={form.getInputProps("tagList").onChange}
        names={["tagKey", "tagValue"]} maximum={MAXIMUM_TAGS} keyLabel={t("key")} valueLabel={t("value")} addLabel={t("addTag")} errorOf={rowErrors(form, "tagList")}
      />
    </FormSection>
  );
}
