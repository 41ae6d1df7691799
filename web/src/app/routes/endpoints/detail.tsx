import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { CopyBlock } from "@/components/CopyText";
import { DetailTabs } from "@/components/DetailTabs";
import { ErrorView } from "@/components/ErrorView";
import { EventTimeline } from "@/components/EventTimeline";
import { PageHeader } from "@/components/PageHeader";
import { StatusBadge } from "@/components/StatusBadge";
import { fetchEndpointEvents, useEndpoint } from "@/features/endpoints/api/getEndpoint";
import { EndpointActions } from "@/features/endpoints/components/EndpointActions";
import { EndpointOverview } from "@/features/endpoints/components/EndpointOverview";
import { StageTable } from "@/features/endpoints/components/StageTable";
import { Statistics } from "@/features/endpoints/components/Statistics";
import { TryIt } from "@/features/endpoints/components/TryIt";
import { paths } from "@/lib/paths";

export default function EndpointPage() {
  const { t } = useTranslation();
  const { t: own } = useTranslation("endpoints");
  const { id = "" } = useParams();
  const { data: endpoint, error, refetch } = useEndpoint(id);
  const trail = [{ label: t("endpoints", { ns: "shell" }), to: paths.endpoints.list }];
  if (error) return <><PageHeader title={id} trail={trail} /><ErrorView error={error} retry={() => { void refetch(); }} /></>;
  if (endpoint === undefined) return null;
  return (
    <>
      <PageHeader title={endpoint.endpointName} trail={trail} aside={<StatusBadge status={endpoint.endpointStatusCode} />} actions={<EndpointActions endpoint={endpoint} />} />
      <DetailTabs
        tabs={[
          { key: "overview", label: t("overview"), content: <EndpointOverview endpoint={endpoint} /> },
          { key: "stages", label: own("stages"), content: <StageTable endpoint={endpoint} /> },
          { key: "try", label: own("tryIt"), content: <TryIt stages={endpoint.endpointStageList} needsKey={endpoint.apiKeyEnable} /> },
          { key: "statistics", label: own("statistics"), content: <Statistics called={{ kind: "endpoint", id }} /> },
          { key: "events", label: t("events"), content: <EventTimeline kind="endpoint" id={id} fetch={() => fetchEndpointEvents(id)} /> },
          { key: "configuration", label: t("configuration"), content: <CopyBlock text={JSON.stringify(endpoint, null, 2)} /> },
        ]}
      />
    </>
  );
}
