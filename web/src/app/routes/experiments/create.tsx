import { useTranslation } from "react-i18next";

import { PageHeader } from "@/components/PageHeader";
import { ExperimentForm } from "@/features/experiments/components/ExperimentForm";
import { paths } from "@/lib/paths";

export default function CreateExperimentPage() {
  const { t } = useTranslation(["experiments", "shell"]);
  return (
    <>
      <PageHeader title={t("newTitle")} trail={[{ label: t("experiments", { ns: "shell" }), to: paths.experiments.list }]} />
      <ExperimentForm />
    </>
  );
}
