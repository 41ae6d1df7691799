import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { PageHeader } from "@/components/PageHeader";
import { useSource } from "@/features/models/api/useSource";
import { ModelForm } from "@/features/models/components/ModelForm";
import { paths } from "@/lib/paths";

export default function CreateModelPage() {
  const { t } = useTranslation("models");
  const [params] = useSearchParams();
  const source = useSource(params);
  return (
    <>
      <PageHeader title={t("create")} trail={[{ label: t("models", { ns: "shell" }), to: paths.models.list }]} />
      {source.error !== null && <ErrorView error={source.error} />}
      {source.initial !== null && <ModelForm key={source.name} name={source.name} initial={source.initial} />}
    </>
  );
}
