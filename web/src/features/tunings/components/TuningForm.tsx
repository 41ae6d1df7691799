import { NumberInput, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { useCreation } from "@/components/creation";
import { CreationForm, FormSection } from "@/components/CreationForm";
import { AlgorithmFields } from "@/components/job/AlgorithmFields";
import { DataFields } from "@/components/job/DataFields";
import { LimitFields } from "@/components/job/LimitFields";
import { ResourceFields } from "@/components/job/ResourceFields";
import { ExperimentSelect } from "@/components/pickers/ExperimentSelect";
import { TemplateSelect, type LoadedTemplate } from "@/components/pickers/TemplateSelect";
import type { TuningSpec } from "@/lib/api/generated/types.gen";
import { zTuningSpec } from "@/lib/api/generated/zod.gen";
import { flavorsQuery, imagesQuery } from "@/lib/catalogue";
import { paths } from "@/lib/paths";

import { checkTuningBody, useCreateTuning } from "../api/createTuning";
import { filled, nodesPerTrial } from "../tuningForm";
import { tuningWords } from "../tuningWords";

import { MetricFields } from "./form/MetricFields";
import { SearchFields } from "./form/SearchFields";
import { SearchSpaceFields } from "./form/SearchSpaceFields";

const MAXIMUM_INSTANCES = 10;

/** The creation form of a tuning (HP.1). `source`: what it is filled from; drafts are kept apart for each. */
export function TuningForm({ source, initial, template }: { source: string; initial: TuningSpec; template: { id: string; loaded: LoadedTemplate } | null }) {
  const { t } = useTranslation("tunings");
  const navigate = useNavigate();
  const { mutateAsync } = useCreateTuning();
  const creation = useCreation<TuningSpec>({
    name: `tuning${source}`, initial, schema: zTuningSpec, check: checkTuningBody,
    create: async (body) => {
      const made = await mutateAsync(body);
      await navigate(paths.tunings.one(made.hyperparameterTuningId));
    },
  });
  const { form } = creation;
  const { parallelTrialCount = 1, instanceCount = 1, imageId, flavorId } = form.getValues();
  const nodes = nodesPerTrial(form.getValues());
  const images = useQuery(imagesQuery("TRAINING")).data;
  const flavors = useQuery(flavorsQuery()).data;
  const names = { image: images?.find((image) => image.imageId === imageId)?.imageName ?? null, flavor: flavors?.find((flavor) => flavor.id === flavorId)?.name ?? null };
  // What runs at once is asked for together: nodes of a trial times trials (HP-20).
  const setSize = (trials: number, ofOne: number): void => { form.setValues({ parallelTrialCount: trials, instanceCount: trials * ofOne }); };
  return (
    <CreationForm creation={creation} words={(body) => tuningWords(body, names)} submitLabel={t("create", { ns: "common" })}>
      <FormSection title={t("basics", { ns: "job" })}>
        <TemplateSelect use="tuning" initial={template} onLoad={(values) => { form.setValues(merged(form.getValues(), values)); }} />
        <TextInput label={t("name", { ns: "common" })} required maxLength={50} autoComplete="off" {...form.getInputProps("hyperparameterTuningName")} />
        <Textarea label={t("description", { ns: "common" })} maxLength={255} autosize minRows={2} {...form.getInputProps("description")} />
        <ExperimentSelect label={t("experiment")} required {...form.getInputProps("experimentId")} />
      </FormSection>
      <AlgorithmFields form={form} isSearched />
      <SearchSpaceFields form={form} />
      <MetricFields form={form} />
      <SearchFields form={form} nodes={nodes} setParallel={(trials) => { setSize(trials, nodes); }} />
      <ResourceFields
        form={form}
        nodes={(
          <NumberInput
            label={t("nodesOfTrial")} description={t("nodesOfTrialHint", { nodes, parallel: parallelTrialCount, all: instanceCount })} w={320} min={1} max={Math.floor(MAXIMUM_INSTANCES / parallelTrialCount)}
            allowDecimal={false} value={nodes} error={form.errors.instanceCount} onChange={(count) => { if (typeof count === "number") setSize(parallelTrialCount, count); }}
          />
        )}
      />
      <DataFields form={form} />
      <LimitFields form={form} />
    </CreationForm>
  );
}

/** What a template says replaces what was typed; what it does not say stays (TT-01). */
function merged(now: TuningSpec, values: Record<string, unknown>): TuningSpec {
  const loaded = filled(values as Partial<TuningSpec>);
  const said = Object.fromEntries(Object.entries(loaded).filter(([name]) => values[name] != null || (name === "hyperparameterSpecList" && values.hyperparameterList != null)));
  const parallel = now.parallelTrialCount ?? 1;
  return { ...now, ...said, instanceCount: parallel * (values.instanceCount == null ? nodesPerTrial(now) : nodesPerTrial({ instanceCount: loaded.instanceCount, parallelTrialCount: 1 })) };
}
