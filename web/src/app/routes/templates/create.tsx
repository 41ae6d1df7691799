import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { Pending } from "@/components/Pending";
import { PageHeader } from "@/components/PageHeader";
import { askTemplate, useCreateTemplate } from "@/features/templates/api/createTemplate";
import { fetchTemplateSource } from "@/features/templates/api/getTemplate";
import { fetchTrainingAsTemplate } from "@/features/templates/api/getTrainingSource";
import { TemplateForm } from "@/features/templates/components/TemplateForm";
import { createWords } from "@/features/templates/words";
import { paths } from "@/lib/paths";

const MAXIMUM_NAME = 50;

/** `?copy=<template>` and `?training=<training>` fill the form (TT-09). */
export default function CreateTemplatePage() {
  const { t } = useTranslation(["templates", "common"]);
  const [params] = useSearchParams();
  const [copy, trainingId] = [params.get("copy"), params.get("training")];
  const source = copy ?? trainingId ?? "new";
  const { mutateAsync } = useCreateTemplate();
  // Read once: what changes meanwhile must not change what somebody has typed.
  const { data: values, error } = useQuery({
    queryKey: ["training-template", "source", source], gcTime: 0,
    queryFn: async () => {
      if (trainingId !== null) return fetchTrainingAsTemplate(trainingId);
      if (copy === null) return {};
      const body = await fetchTemplateSource(copy);
      return { ...body, trainingTemplateName: `${body.trainingTemplateName.slice(0, MAXIMUM_NAME - "-copy".length)}-copy` };
    },
  });
  return (
    <>
      <PageHeader title={copy === null ? t("newTitle") : t("copyTitle")} trail={[{ label: t("templates", { ns: "shell" }), to: paths.templates.list }]} />
      {error ? <ErrorView error={error} /> : values === undefined ? <Pending />
        : <TemplateForm key={source} source={source} values={values} words={createWords} submitLabel={t("create", { ns: "common" })} check={askTemplate} save={mutateAsync} />}
    </>
  );
}
