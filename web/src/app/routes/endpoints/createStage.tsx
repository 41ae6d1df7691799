import { useTranslation } from "react-i18next";
import { useParams, useSearchParams } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { PageHeader } from "@/components/PageHeader";
import { useEndpoint } from "@/features/endpoints/api/getEndpoint";
import { StageForm } from "@/features/endpoints/components/StageForm";
import { paths } from "@/lib/paths";

export default function CreateStagePage() {
  const { t } = useTranslation("endpoints");
  const { id = "" } = useParams();
  const [params] = useSearchParams();
  const { data: endpoint, error } = useEndpoint(id);
  const trail = [
    { label: t("endpoints", { ns: "shell" }), to: paths.endpoints.list }, { label: endpoint?.endpointName ?? id, to: paths.endpoints.one(id) },
  ];
  return (
    <>
      <PageHeader title={t("createStage")} trail={trail} />
      {error !== null && <ErrorView error={error} />}
      {endpoint !== undefined && <StageForm endpoint={endpoint} modelId={params.get("model") ?? ""} />}
    </>
  );
}
