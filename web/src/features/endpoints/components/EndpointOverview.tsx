import { Alert, Badge, Group, Stack } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { CopyText } from "@/components/CopyText";
import { Facts } from "@/components/Facts";
import { ReasonAlert } from "@/components/ReasonAlert";
import { ResourceLink } from "@/components/ResourceLink";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import type { EndpointView } from "@/lib/api/generated/types.gen";

import { ApiKey } from "./ApiKey";
import { Expiry } from "./Expiry";

/** What an endpoint is, where it answers, and how it stands. */
export function EndpointOverview({ endpoint }: { endpoint: EndpointView }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const defaultStage = endpoint.endpointStageList.find((stage) => stage.isDefaultStage);
  const { defaultStageChange: change } = endpoint;
  const newStage = endpoint.endpointStageList.find((stage) => stage.endpointStageId === change?.endpointStageId);
  return (
    <Stack gap="xl">
      <ReasonAlert status={endpoint.endpointStatusCode} reason={endpoint.statusReason} />
      {change !== null && (
        <Alert color="blue" icon={<IconInfoCircle />}>{t(change.stopFirst ? "changingWithGap" : "changing", { name: newStage?.endpointStageName ?? change.endpointStageId })}</Alert>
      )}
      {!endpoint.isClusterLatest && <Expiry at={endpoint.expiredDatetime} />}
      <Facts
        facts={[
          [common("id"), <CopyText text={endpoint.endpointId} key="id" />],
          [t("defaultStageUrl"), endpoint.apigwDefaultStageUrl === "" ? null : <CopyText text={`https://${endpoint.apigwDefaultStageUrl}`} key="url" />],
          [t("gatewayStatus"), endpoint.deployStatus === null ? null : <StatusBadge status={endpoint.deployStatus} key="gateway" />],
          [t("defaultStage"), defaultStage === undefined ? null : <ResourceLink kind="endpoint-stage" id={defaultStage.endpointStageId} name={defaultStage.endpointStageName} parentId={endpoint.endpointId} key="stage" />],
          [t("pods"), defaultStage === undefined ? null : t("podsReady", { ready: defaultStage.runningPodCount, all: defaultStage.podCount })],
          [common("created"), endpoint.createdDatetime === null ? null : <Ago at={endpoint.createdDatetime} key="created" />],
          [common("description"), endpoint.description],
          [common("tags"), endpoint.tagList.length === 0 ? null : (
            <Group gap={4} key="tags">{endpoint.tagList.map((tag) => <Badge key={tag.tagKey} variant="default" tt="none" radius="sm">{`${tag.tagKey}=${tag.tagValue}`}</Badge>)}</Group>
          )],
        ]}
      />
      <ApiKey endpoint={endpoint} />
    </Stack>
  );
}
