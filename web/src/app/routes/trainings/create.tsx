import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { PageHeader } from "@/components/PageHeader";
import { loadTemplate } from "@/components/pickers/TemplateSelect";
import { fetchCopySource } from "@/features/trainings/api/getCopySource";
import { TrainingForm } from "@/features/trainings/components/TrainingForm";
import { paths } from "@/lib/paths";

const MAXIMUM_NAME = 50;

/** `?copy=<training>` and `?template=<template>` fill the form; `?experiment=<experiment>` chooses one (GN-14, TR-02). */
export default function CreateTrainingPage() {
  const { t } = useTranslation(["trainings", "common"]);
  const [params] = useSearchParams();
  const [copy, templateId, experimentId] = [params.get("copy"), params.get("template"), params.get("experiment")];
  const source = copy ?? templateId ?? experimentId ?? "new";
  // Read once: what changes meanwhile must not change what somebody has typed.
  const { data, error } = useQuery({
    queryKey: ["training", "source", source], gcTime: 0,
    queryFn: async () => {
      if (copy !== null) {
        const body = await fetchCopySource(copy);
        return { values: { ...body, trainingName: `${body.trainingName.slice(0, MAXIMUM_NAME - "-copy".length)}-copy` }, template: null };
      }
      if (templateId === null) return { values: experimentId === null ? {} : { experimentId }, template: null };
      const loaded = await loadTemplate(templateId, "training");
      return { values: loaded.values, template: { id: templateId, loaded } };
    },
  });
  return (
    <>
      <PageHeader title={copy === null ? t("newTitle") : t("copyTitle")} trail={[{ label: t("trainings", { ns: "shell" }), to: paths.trainings.list }]} />
      {error ? <ErrorView error={error} /> : data === undefined ? <Text c="dimmed">{t("loading", { ns: "common" })}</Text>
        : <TrainingForm key={source} source={source} values={data.values} template={data.template} />}
    </>
  );
}
