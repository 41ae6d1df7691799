import { Badge, Group } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { CopyBlock } from "@/components/CopyText";
import { DetailTabs } from "@/components/DetailTabs";
import { ErrorView } from "@/components/ErrorView";
import { EventTimeline } from "@/components/EventTimeline";
import { readStageUse } from "@/components/monitoring/use";
import { PageHeader } from "@/components/PageHeader";
import { ResourceMonitoring } from "@/components/ResourceMonitoring";
import { StatusBadge } from "@/components/StatusBadge";
import { useEndpoint } from "@/features/endpoints/api/getEndpoint";
import { fetchStageEvents, useStage } from "@/features/endpoints/api/getStage";
import { Gateway } from "@/features/endpoints/components/Gateway";
import { PodLogs } from "@/features/endpoints/components/PodLogs";
import { Pods } from "@/features/endpoints/components/Pods";
import { StageActions } from "@/features/endpoints/components/StageActions";
import { StageOverview } from "@/features/endpoints/components/StageOverview";
import { StageResources } from "@/features/endpoints/components/StageResources";
import { Statistics } from "@/features/endpoints/components/Statistics";
import { TryIt } from "@/features/endpoints/components/TryIt";
import { useStageRefusals } from "@/features/endpoints/refusals";
import { paths } from "@/lib/paths";

export default function StagePage() {
  const { t } = useTranslation();
  const { t: own } = useTranslation("endpoints");
  const { id = "", stageId = "" } = useParams();
  const { data: stage, error, refetch } = useStage(stageId);
  const { data: endpoint } = useEndpoint(id);
  const refusalsOf = useStageRefusals();
  const trail = [
    { label: t("endpoints", { ns: "shell" }), to: paths.endpoints.list },
    { label: endpoint?.endpointName ?? stage?.endpointName ?? id, to: paths.endpoints.one(id, "stages") },
  ];
  if (error) return <><PageHeader title={stageId} trail={trail} /><ErrorView error={error} retry={() => { void refetch(); }} /></>;
  if (stage === undefined) return null;
  // While a stage is being made, nothing was measured or called yet (ST-13, ST-14).
  const { whileMade } = refusalsOf(stage, endpoint);
  const aside = (
    <Group gap="xs">
      <StatusBadge status={stage.endpointStageStatusCode} />
      {stage.isDefaultStage && <Badge radius="sm" variant="outline" tt="none">{own("defaultStage")}</Badge>}
    </Group>
  );
  return (
    <>
      <PageHeader title={stage.endpointStageName} trail={trail} aside={aside} actions={<StageActions stage={stage} endpoint={endpoint} />} />
      <DetailTabs
        tabs={[
          { key: "overview", label: t("overview"), content: <StageOverview stage={stage} /> },
          { key: "resources", label: own("stageResources"), content: <StageResources stage={stage} /> },
          { key: "pods", label: own("nodesAndPods"), content: <Pods stage={stage} /> },
          { key: "try", label: own("tryIt"), content: <TryIt stages={[stage]} needsKey={endpoint?.apiKeyEnable === true} /> },
          { key: "logs", label: t("logs"), content: <PodLogs stageId={stageId} /> },
          {
            key: "monitoring", label: t("monitoring"), refusal: whileMade,
            content: <ResourceMonitoring queryKey={["endpoint-stage", stageId]} read={readStageUse(stageId)} isRunning={stage.runningPodCount > 0} />,
          },
          { key: "statistics", label: own("statistics"), refusal: whileMade, content: <Statistics called={{ kind: "endpoint-stage", id: stageId }} /> },
          { key: "gateway", label: own("gateway"), content: <Gateway stage={stage} /> },
          { key: "events", label: t("events"), content: <EventTimeline kind="endpoint-stage" id={stageId} fetch={() => fetchStageEvents(stageId)} /> },
          { key: "configuration", label: t("configuration"), content: <CopyBlock text={JSON.stringify(stage, null, 2)} /> },
        ]}
      />
    </>
  );
}
