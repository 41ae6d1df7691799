import { Anchor, Group, Paper, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ActionButton, useConfirmed } from "@/components/ActionButton";
import { CopyText } from "@/components/CopyText";
import { Facts } from "@/components/Facts";
import { StatusBadge } from "@/components/StatusBadge";
import type { EndpointModelView, EndpointStageView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";
import { reasonText } from "@/lib/reasons";

import { useDeleteStageResource } from "../api/stageResources";
import { memoryText } from "../quantity";
import { useResourceRefusal } from "../refusals";
import { OtherPaths } from "./OtherPaths";
import { ResourceHistory } from "./ResourceHistory";

/** The models of a stage: status and why, where they answer, what their pods have (SR-12…SR-19). */
export function StageResources({ stage }: { stage: EndpointStageView }) {
  return <Stack>{stage.endpointModelList.map((resource) => <Resource key={resource.endpointModelId} resource={resource} stage={stage} />)}</Stack>;
}

function Resource({ resource, stage }: { resource: EndpointModelView; stage: EndpointStageView }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const confirmed = useConfirmed();
  const deleteResource = useDeleteStageResource(stage.endpointStageId);
  const refusal = useResourceRefusal()(resource, stage);
  const { model, resourceOptionDetail: amounts, podAutoScaler: scaler } = resource;
  const ask = (): void => {
    confirmed(
      { title: t("deleteResourceTitle", { name: model.modelName }), text: t("deleteResourceText", { url: `https://${resource.apigwEndpointUri}` }), confirm: common("delete"), isDestructive: true },
      () => deleteResource(resource.endpointModelId),
    );
  };
  const scaling = scaler === null ? null : [
    scaler.podAutoScaleEnable ? `${t(`metricOf.${scaler.scaleMetricCode as "REQUESTS"}`)}: ${String(scaler.scaleMetricTarget)}${scaler.scaleMetricCode === "REQUESTS" ? "" : " %"}` : t("notUsed"),
    scaler.scaleToZeroIdleMinutes > 0 ? t("sleepsAfter", { minutes: scaler.scaleToZeroIdleMinutes }) : null,
  ].filter(Boolean).join(", ");
  return (
    <Paper withBorder p="md" component="section" aria-label={model.modelName}>
      <Stack>
        <Group justify="space-between" align="flex-start">
          <Group gap="sm">
            <Anchor component={Link} to={paths.models.one(resource.modelId)} fw={600}>{model.modelName}</Anchor>
            <StatusBadge status={resource.endpointModelStatusCode} />
            {resource.isAsleep && <Text size="sm" c="dimmed">{t("asleep")}</Text>}
          </Group>
          <ActionButton refusal={refusal} onClick={ask} c={refusal === null ? "red" : undefined}>{t("deleteResource")}</ActionButton>
        </Group>
        {resource.statusReason !== null && <Text size="sm" style={{ whiteSpace: "pre-wrap" }} c={resource.endpointModelStatusCode === "CREATE_FAILED" ? "red" : "dimmed"}>{reasonText(resource.statusReason)}</Text>}
        {resource.warningList.map((warning) => <Text size="sm" c="orange" key={warning}>{warning}</Text>)}
        <Facts
          facts={[
            [t("resourcePath"), <CopyText text={`https://${resource.apigwEndpointUri}`} key="path" />],
            [t("pods"), t("podsReady", { ready: resource.runningPodCount, all: resource.podCount })],
            [t("eachPodHas"), amounts === null ? null : `${amounts.cpu} vCPU · ${memoryText(amounts.memory)}${amounts.gpu === "0" ? "" : ` · ${amounts.gpu} GPU`}`],
            [t("podAutoscaler"), scaling],
            [common("id"), <CopyText text={resource.endpointModelId} key="id" />],
            [common("description"), resource.description],
          ]}
        />
        <OtherPaths base={`https://${resource.stage.stageUrl}`} modelName={model.modelName} />
        <ResourceHistory resourceId={resource.endpointModelId} />
      </Stack>
    </Paper>
  );
}
