import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { Configuration } from "@/components/Configuration";
import { DetailTabs } from "@/components/DetailTabs";
import { ErrorView } from "@/components/ErrorView";
import { NameValueTable } from "@/components/NameValueTable";
import { Pending } from "@/components/Pending";
import { PageHeader } from "@/components/PageHeader";
import { useTemplate, useTemplateSource } from "@/features/templates/api/getTemplate";
import { ChangeTemplate } from "@/features/templates/components/ChangeTemplate";
import { TemplateActions } from "@/features/templates/components/TemplateActions";
import { TemplateOverview } from "@/features/templates/components/TemplateOverview";
import { createWords } from "@/features/templates/words";
import { paths } from "@/lib/paths";

export default function TemplatePage() {
  const { t } = useTranslation(["templates", "job", "common"]);
  const { id = "" } = useParams();
  const { data: template, error, refetch } = useTemplate(id);
  const trail = [{ label: t("templates", { ns: "shell" }), to: paths.templates.list }];
  if (error) return <><PageHeader title={id} trail={trail} /><ErrorView error={error} retry={() => { void refetch(); }} /></>;
  if (template === undefined) return <Pending />;
  const broken = template.problem == null ? null : t("broken");
  const hyperparameters = template.hyperparameterList ?? [];
  return (
    <>
      <PageHeader title={template.trainingTemplateName} trail={trail} actions={<TemplateActions template={template} />} />
      <DetailTabs
        tabs={[
          { key: "overview", label: t("overview", { ns: "common" }), content: <TemplateOverview template={template} /> },
          {
            key: "hyperparameters", label: t("hyperparameters", { ns: "job" }),
            content: (
              <NameValueTable
                rows={hyperparameters.map((one) => [one.parameterName, one.parameterValue])} nameLabel={t("key", { ns: "job" })}
                valueLabel={t("value", { ns: "job" })} empty={t("noHyperparameters")}
              />
            ),
          },
          { key: "change", label: t("change", { ns: "common" }), refusal: broken, content: <ChangeTemplate id={id} key={template.changedDatetime} /> },
          { key: "configuration", label: t("configuration", { ns: "common" }), refusal: broken, content: <TemplateConfiguration id={id} /> },
        ]}
      />
    </>
  );
}

function TemplateConfiguration({ id }: { id: string }) {
  const { t } = useTranslation("templates");
  const { data: body, error } = useTemplateSource(id);
  if (error) return <ErrorView error={error} />;
  if (body === undefined) return <Pending />;
  return <Configuration body={body} words={{ cli: createWords(body).cli, sdk: "" }} fileName={`${body.trainingTemplateName}.json`} text={t("configurationText")} />;
}
