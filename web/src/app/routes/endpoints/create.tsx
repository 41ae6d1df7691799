import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { PageHeader } from "@/components/PageHeader";
import { EndpointForm } from "@/features/endpoints/components/EndpointForm";
import { paths } from "@/lib/paths";

export default function CreateEndpointPage() {
  const { t } = useTranslation("endpoints");
  const [params] = useSearchParams();
  const modelId = params.get("model") ?? "";
  return (
    <>
      <PageHeader title={t("create")} trail={[{ label: t("endpoints", { ns: "shell" }), to: paths.endpoints.list }]} />
      <EndpointForm key={modelId} modelId={modelId} />
    </>
  );
}
