import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { CopyBlock } from "@/components/CopyText";
import { DetailTabs } from "@/components/DetailTabs";
import { ErrorView } from "@/components/ErrorView";
import { EventTimeline } from "@/components/EventTimeline";
import { PageHeader } from "@/components/PageHeader";
import { StatusBadge } from "@/components/StatusBadge";
import { fetchModelEvents, useModel } from "@/features/models/api/getModel";
import { Examination } from "@/features/models/components/Examination";
import { ModelActions } from "@/features/models/components/ModelActions";
import { ModelOverview } from "@/features/models/components/ModelOverview";
import { paths } from "@/lib/paths";

export default function ModelPage() {
  const { t } = useTranslation();
  const { t: own } = useTranslation("models");
  const { id = "" } = useParams();
  const { data: model, error, refetch } = useModel(id);
  const trail = [{ label: t("models", { ns: "shell" }), to: paths.models.list }];
  if (error) return <><PageHeader title={id} trail={trail} /><ErrorView error={error} retry={() => { void refetch(); }} /></>;
  if (model === undefined) return null;
  return (
    <>
      <PageHeader title={model.modelName} trail={trail} aside={<StatusBadge status={model.modelStatusCode} />} actions={<ModelActions model={model} />} />
      <DetailTabs
        tabs={[
          { key: "overview", label: t("overview"), content: <ModelOverview model={model} /> },
          { key: "examination", label: own("examination"), content: <Examination model={model} /> },
          { key: "events", label: t("events"), content: <EventTimeline kind="model" id={id} fetch={() => fetchModelEvents(id)} /> },
          { key: "configuration", label: t("configuration"), content: <CopyBlock text={JSON.stringify(model, null, 2)} /> },
        ]}
      />
    </>
  );
}
