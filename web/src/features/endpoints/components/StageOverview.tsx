import { Alert, Badge, Group, Stack } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { CopyText } from "@/components/CopyText";
import { Facts } from "@/components/Facts";
import { ReasonAlert } from "@/components/ReasonAlert";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import type { AutoScalerView, EndpointStageView } from "@/lib/api/generated/types.gen";
import { mebibytes } from "@/lib/format";

import { Expiry } from "./Expiry";

/** What a stage is, where it answers, and how it stands (ST-04…ST-12). */
export function StageOverview({ stage }: { stage: EndpointStageView }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const { flavor } = stage;
  return (
    <Stack gap="xl">
      <ReasonAlert status={stage.endpointStageStatusCode} reason={stage.statusReason} />
      {stage.deployMessage !== null && <Alert color="red" icon={<IconAlertTriangle />} title={t("notDeployed")}>{stage.deployMessage}</Alert>}
      {!stage.isClusterLatest && <Expiry at={stage.expiredDatetime} />}
      <Facts
        facts={[
          [common("id"), <CopyText text={stage.endpointStageId} key="id" />],
          [t("stageUrl"), stage.apigwStageUrl === "" ? null : <CopyText text={`https://${stage.apigwStageUrl}`} key="url" />],
          [t("defaultStageUrl"), stage.apigwDefaultStageUrl === null ? t("notDefault") : <CopyText text={`https://${stage.apigwDefaultStageUrl}`} key="default" />],
          [t("gatewayStatus"), stage.deployStatus === null ? null : <StatusBadge status={stage.deployStatus} key="gateway" />],
          [t("flavor"), `${flavor.name} · ${String(flavor.vcpus)} vCPU · ${mebibytes(flavor.ram)}${flavor.gpuCount > 0 ? ` · ${String(flavor.gpuCount)} GPU` : ""}`],
          [t("nodes"), t("nodesOf", { now: stage.nodeCount, wanted: stage.wantedNodeCount })],
          [t("pods"), t("podsReady", { ready: stage.runningPodCount, all: stage.podCount })],
          [t("nodeAutoscaler"), <Autoscaler of={stage.autoScaler} key="autoscaler" />],
          [t("useLog"), common(stage.useLog ? "yes" : "no")],
          [t("runtimeVersion"), stage.runtimeVersion],
          [common("created"), stage.createdDatetime === null ? null : <Ago at={stage.createdDatetime} key="created" />],
          [common("description"), stage.description],
          [common("tags"), stage.tagList.length === 0 ? null : (
            <Group gap={4} key="tags">{stage.tagList.map((tag) => <Badge key={tag.tagKey} variant="default" tt="none" radius="sm">{`${tag.tagKey}=${tag.tagValue}`}</Badge>)}</Group>
          )],
        ]}
      />
    </Stack>
  );
}

function Autoscaler({ of: autoscaler }: { of: AutoScalerView | null }) {
  const { t } = useTranslation("endpoints");
  if (autoscaler === null || !autoscaler.enable) return <>{t("notUsed")}</>;
  const { minNodeCount: least, maxNodeCount: most } = autoscaler;
  if (!autoscaler.scaleDownEnable) return <>{t("scalesOut", { least, most })}</>;
  return <>{t("scalesBoth", { least, most, percent: autoscaler.scaleDownUtilThreshPercentage, minutes: autoscaler.scaleDownUnneededMinute })}</>;
}
