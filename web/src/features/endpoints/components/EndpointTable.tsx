import { Anchor, Group, Text, Tooltip } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ActionButton, useConfirmed } from "@/components/ActionButton";
import { CopyIcon, CopyText } from "@/components/CopyText";
import type { ListState } from "@/components/listState";
import { ResourceTable, type Column } from "@/components/ResourceTable";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import type { EndpointView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

import { useDeleteEndpoints } from "../api/deleteEndpoint";
import type { useEndpoints } from "../api/listEndpoints";
import { useEndpointRefusals } from "../refusals";

const SHORT_ID = 8;

/** The endpoints, with what answers at their URLs (EP-18…EP-21). */
export function EndpointTable({ list, state }: { list: ReturnType<typeof useEndpoints>; state: ListState }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const columns: Column<EndpointView>[] = [
    { key: "name", label: common("name"), width: "minmax(120px, 2fr)", sortBy: "name", cell: (row) => <Name endpoint={row} /> },
    { key: "status", label: common("status"), width: "minmax(150px, 3fr)", sortBy: "status", cell: (row) => <StatusBadge status={row.endpointStatusCode} reason={row.statusReason} /> },
    { key: "url", label: t("defaultStageUrl"), width: "minmax(190px, 2fr)", cell: (row) => <Url url={row.apigwDefaultStageUrl} /> },
    { key: "default", label: t("defaultStage"), width: "minmax(125px, 1fr)", cell: (row) => <DefaultStage endpoint={row} /> },
    { key: "pods", label: t("pods"), width: "70px", cell: podsOf },
    { key: "gateway", label: t("gatewayStatus"), width: "165px", cell: (row) => (row.deployStatus === null ? "–" : <StatusBadge status={row.deployStatus} />) },
    { key: "created", label: common("created"), width: "140px", sortBy: "createdDatetime", cell: (row) => (row.createdDatetime === null ? "–" : <Ago at={row.createdDatetime} />) },
    { key: "id", label: common("id"), width: "130px", isExtra: true, cell: (row) => <CopyText text={row.endpointId} shown={row.endpointId.slice(0, SHORT_ID)} /> },
    { key: "description", label: common("description"), width: "minmax(140px, 1fr)", isExtra: true, cell: (row) => row.description ?? "–" },
    { key: "tags", label: common("tags"), width: "minmax(140px, 1fr)", isExtra: true, cell: (row) => row.tagList.map((tag) => `${tag.tagKey}=${tag.tagValue}`).join(", ") || "–" },
  ];
  return (
    <ResourceTable
      name="endpoints" columns={columns} rows={list.rows} total={list.total} state={state} hasMore={list.hasMore} loadMore={list.loadMore}
      idOf={(row) => row.endpointId} nameOf={(row) => row.endpointName} pathOf={(row) => paths.endpoints.one(row.endpointId)}
      bulkActions={(rows, clear) => <DeleteSelected endpoints={rows} clear={clear} />}
    />
  );
}

const podsOf = (endpoint: EndpointView): string => {
  const sum = (count: (stage: EndpointView["endpointStageList"][number]) => number): number => endpoint.endpointStageList.reduce((all, stage) => all + count(stage), 0);
  return `${String(sum((stage) => stage.runningPodCount))} / ${String(sum((stage) => stage.podCount))}`;
};

function Name({ endpoint }: { endpoint: EndpointView }) {
  const { t } = useTranslation("endpoints");
  if (endpoint.isClusterLatest) return <>{endpoint.endpointName}</>;
  return (
    <Group gap={4} wrap="nowrap" component="span" display="inline-flex">
      <Tooltip label={t("outdated")}><IconAlertCircle size={16} role="img" aria-label={t("outdated")} color="var(--mantine-color-orange-6)" /></Tooltip>
      {endpoint.endpointName}
    </Group>
  );
}

function DefaultStage({ endpoint }: { endpoint: EndpointView }) {
  const stage = endpoint.endpointStageList.find((each) => each.isDefaultStage);
  if (stage === undefined) return <Text size="sm" c="dimmed" component="span">–</Text>;
  const others = endpoint.endpointStageList.length - 1;
  return (
    <>
      <Anchor component={Link} to={paths.stage(endpoint.endpointId, stage.endpointStageId)} size="sm">{stage.endpointStageName}</Anchor>
      {others > 0 && <Text span size="xs" c="dimmed"> +{others}</Text>}
    </>
  );
}

function Url({ url }: { url: string }) {
  if (url === "") return <>–</>;
  return (
    <Group gap={4} wrap="nowrap">
      <Text size="sm" truncate title={`https://${url}`}>{`https://${url}`}</Text>
      <CopyIcon text={`https://${url}`} />
    </Group>
  );
}

function DeleteSelected({ endpoints, clear }: { endpoints: readonly EndpointView[]; clear: () => void }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const confirmed = useConfirmed();
  const deleteEndpoints = useDeleteEndpoints();
  const refusals = useEndpointRefusals();
  const refused = endpoints.find((endpoint) => refusals(endpoint).delete !== null);
  const refusal = refused === undefined ? null : `${refused.endpointName}: ${refusals(refused).delete ?? ""}`;
  const ask = (): void => {
    confirmed(
      { title: t("deleteTitle", { name: endpoints.map((each) => each.endpointName).join(", ") }), text: t("deleteText"), confirm: common("delete"), isDestructive: true },
      () => deleteEndpoints(endpoints.map((each) => each.endpointId)).then(clear),
    );
  };
  return <ActionButton refusal={refusal} onClick={ask}>{common("delete")}</ActionButton>;
}
