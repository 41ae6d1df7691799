import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { PageHeader } from "@/components/PageHeader";
import { loadTemplate } from "@/components/pickers/TemplateSelect";
import { fetchCopySource } from "@/features/tunings/api/getCopySource";
import { TuningForm } from "@/features/tunings/components/TuningForm";
import { copied, EMPTY_TUNING, filled } from "@/features/tunings/tuningForm";
import { paths } from "@/lib/paths";

/** `?copy=ID` fills the form from a tuning, `?template=ID` from a template, `?experiment=ID` chooses one. */
async function initialOf(copy: string | null, template: string | null, experiment: string | null) {
  if (copy !== null) {
    return { initial: copied(await fetchCopySource(copy)), template: null };
  }
  if (template !== null) {
    const loaded = await loadTemplate(template, "tuning");
    return { initial: filled(loaded.values), template: { id: template, loaded } };
  }
  return { initial: { ...EMPTY_TUNING, experimentId: experiment ?? "" }, template: null };
}

export default function CreateTuningPage() {
  const { t } = useTranslation("tunings");
  const [params] = useSearchParams();
  const [copy, template, experiment] = [params.get("copy"), params.get("template"), params.get("experiment")];
  const source = [copy, template, experiment].map((id) => (id === null ? "" : `-${id}`)).join("");
  const { data, error } = useQuery({ queryKey: ["hyperparameter-tuning", "form", source], queryFn: () => initialOf(copy, template, experiment), gcTime: 0 });
  return (
    <>
      <PageHeader title={t("createTitle")} trail={[{ label: t("tunings", { ns: "shell" }), to: paths.tunings.list }]} />
      {error !== null ? <ErrorView error={error} /> : data === undefined ? <Skeleton height={480} /> : <TuningForm key={source} source={source} {...data} />}
    </>
  );
}
