import { Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { CreationForm, FormSection } from "@/components/CreationForm";
import { useCreation } from "@/components/creation";
import { AlgorithmFields } from "@/components/job/AlgorithmFields";
import { DataFields } from "@/components/job/DataFields";
import { EMPTY_JOB } from "@/components/job/jobForm";
import { LimitFields } from "@/components/job/LimitFields";
import { ResourceFields } from "@/components/job/ResourceFields";
import { ExperimentSelect } from "@/components/pickers/ExperimentSelect";
import { TemplateSelect, type LoadedTemplate } from "@/components/pickers/TemplateSelect";
import { zTrainingSpec } from "@/lib/api/generated/zod.gen";
import type { TrainingSpec } from "@/lib/api/generated/types.gen";
import { imagesQuery } from "@/lib/catalogue";
import { paths } from "@/lib/paths";

import { askTraining, useCreateTraining } from "../api/createTraining";
import { trainingWords } from "../words";

const EMPTY: TrainingSpec = { ...EMPTY_JOB, trainingName: "", description: "" };

/** The creation form (TR.1); `source` names what it is filled from, `values` are what that gave. */
export function TrainingForm({ source, values, template }: {
  source: string;
  values: Partial<TrainingSpec>;
  template?: { id: string; loaded: LoadedTemplate } | null;
}) {
  const { t } = useTranslation(["trainings", "job", "common"]);
  const navigate = useNavigate();
  const { mutateAsync } = useCreateTraining();
  const { data: images = [] } = useQuery(imagesQuery("TRAINING"));
  const creation = useCreation<TrainingSpec>({
    name: `training-${source}`, initial: { ...EMPTY, ...values }, schema: zTrainingSpec, check: askTraining,
    create: async (body) => {
      const training = await mutateAsync(body);
      void navigate(paths.trainings.one(training.trainingId));
    },
  });
  const { form } = creation;
  const experiment = form.getInputProps("experimentId");
  return (
    <CreationForm
      creation={creation} submitLabel={t("create", { ns: "common" })}
      words={(body) => trainingWords(body, images.find((image) => image.imageId === body.imageId)?.imageName)}
    >
      <TemplateSelect use="training" initial={template} onLoad={(loaded) => { form.setValues({ ...form.getValues(), ...loaded }); }} />
      <FormSection title={t("basics", { ns: "job" })}>
        <TextInput label={t("name", { ns: "common" })} required maxLength={50} data-autofocus {...form.getInputProps("trainingName")} />
        <Textarea label={t("description", { ns: "common" })} maxLength={255} autosize minRows={1} {...form.getInputProps("description")} />
        <ExperimentSelect
          label={t("experiment", { ns: "job" })} required value={form.getValues().experimentId} error={experiment.error}
          onChange={(id) => { form.setFieldValue("experimentId", id ?? ""); }}
        />
      </FormSection>
      <AlgorithmFields form={form} />
      <ResourceFields form={form} />
      <DataFields form={form} />
      <LimitFields form={form} />
    </CreationForm>
  );
}
