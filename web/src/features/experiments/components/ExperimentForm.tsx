import { Textarea, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { CreationForm, FormSection } from "@/components/CreationForm";
import { useCreation } from "@/components/creation";
import { zExperimentSpec } from "@/lib/api/generated/zod.gen";
import type { ExperimentSpec } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

import { askExperiment, useCreateExperiment } from "../api/createExperiment";
import { experimentWords } from "../words";

/** Name and description (EX-02). */
export function ExperimentForm() {
  const { t } = useTranslation(["experiments", "job", "common"]);
  const navigate = useNavigate();
  const { mutateAsync } = useCreateExperiment();
  const creation = useCreation<ExperimentSpec>({
    name: "experiment", initial: { experimentName: "", description: "" }, schema: zExperimentSpec, check: askExperiment,
    create: async (body) => {
      const experiment = await mutateAsync(body);
      void navigate(paths.experiments.one(experiment.experimentId));
    },
  });
  return (
    <CreationForm creation={creation} words={experimentWords} submitLabel={t("create", { ns: "common" })}>
      <FormSection title={t("basics", { ns: "job" })}>
        <TextInput label={t("name", { ns: "common" })} description={t("nameHint")} required maxLength={50} data-autofocus {...creation.form.getInputProps("experimentName")} />
        <Textarea label={t("description", { ns: "common" })} maxLength={255} autosize minRows={2} {...creation.form.getInputProps("description")} />
      </FormSection>
    </CreationForm>
  );
}
