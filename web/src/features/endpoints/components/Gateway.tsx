import { Alert, Badge, Group, List, Stack, Table, Text, Title } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ActionButton, notifyError, useConfirmed } from "@/components/ActionButton";
import { CopyText } from "@/components/CopyText";
import { ErrorView } from "@/components/ErrorView";
import { Facts } from "@/components/Facts";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import type { EndpointStageView, GatewaySettingsView } from "@/lib/api/generated/types.gen";

import { useGateway, useGatewaySettings } from "../api/gateway";
import { AddPath } from "./AddPath";

/** What is deployed to the gateway for a stage, with paths of one's own, and its recovery by hand (GW-03…GW-10, EP-15). */
export function Gateway({ stage }: { stage: EndpointStageView }) {
  const { t } = useTranslation("endpoints");
  const { data: settings, error, refetch } = useGatewaySettings(stage.endpointStageId);
  const { deploy } = useGateway(stage.endpointStageId);
  const [isAdding, setAdding] = useState(false);
  if (error) return <ErrorView error={error} retry={() => { void refetch(); }} />;
  if (settings === undefined) return null;
  const { deployment } = settings;
  const isDeleting = stage.endpointStageStatusCode === "DELETE_IN_PROGRESS" ? t("beingDeleted") : null;
  return (
    <Stack gap="xl">
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h5">{t("deployment")}</Title>
          <ActionButton onClick={() => { deploy().catch((failure: unknown) => { notifyError(t("notDeployed"), failure as Error); }); }} refusal={isDeleting}>{t("deployStage")}</ActionButton>
        </Group>
        {deployment.message !== null && <Alert color="red" title={t("notDeployed")}>{deployment.message} {t("deployAgain")}</Alert>}
        <Facts
          facts={[
            [t("gatewayStatus"), deployment.deployStatus === null ? null : <StatusBadge status={deployment.deployStatus} key="status" />],
            [t("deployedVersion"), deployment.version === 0 ? null : String(deployment.version)],
            [t("deployedAt"), deployment.deployedDatetime === null ? null : <Ago at={deployment.deployedDatetime} key="at" />],
            [t("stageUrl"), <CopyText text={`https://${settings.apigwStageUrl}`} key="url" />],
          ]}
        />
      </Stack>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h5">{t("resourcePaths")}</Title>
          <ActionButton onClick={() => { setAdding(true); }} refusal={isDeleting}>{t("addPath")}</ActionButton>
        </Group>
        <Paths settings={settings} stageId={stage.endpointStageId} />
      </Stack>
      <Alert icon={<IconInfoCircle />} variant="light" title={t("cautions")}>
        <List size="sm">{(["services", "paths", "below", "backends"] as const).map((each) => <List.Item key={each}>{t(`caution.${each}`)}</List.Item>)}</List>
      </Alert>
      {isAdding && <AddPath stage={stage} onClose={() => { setAdding(false); }} />}
    </Stack>
  );
}

function Paths({ settings, stageId }: { settings: GatewaySettingsView; stageId: string }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const confirmed = useConfirmed();
  const { deletePath } = useGateway(stageId);
  const ask = (name: string, path: string): void => {
    confirmed({ title: t("deletePathTitle", { path }), text: t("deletePathText"), confirm: common("delete"), isDestructive: true }, () => deletePath(name));
  };
  if (settings.routeList.length === 0) return <Text size="sm" c="dimmed">{t("nothingDeployed")}</Text>;
  return (
    <Table.ScrollContainer minWidth={720}>
      <Table fz="sm">
        <Table.Thead>
          <Table.Tr><Table.Th>{t("resourcePath")}</Table.Th><Table.Th>{t("methods")}</Table.Th><Table.Th>{t("model")}</Table.Th><Table.Th>{t("backends")}</Table.Th><Table.Th>{common("actions")}</Table.Th></Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {settings.routeList.map((route) => (
            <Table.Tr key={`${route.resourceName ?? ""} ${route.resourcePath} ${route.methodList.join()}`}>
              <Table.Td><Group gap="xs">{route.resourcePath || "/"}{route.resourceName !== null && <Badge size="sm" radius="sm" variant="outline" tt="none">{route.resourceName}</Badge>}</Group></Table.Td>
              <Table.Td>{route.methodList.join(", ")}</Table.Td>
              <Table.Td>{route.modelName ?? "–"}</Table.Td>
              <Table.Td>{route.backendList.length === 0 ? <Text size="sm" c="dimmed">{t("noBackend")}</Text> : route.backendList.join(", ")}</Table.Td>
              <Table.Td>
                {route.resourceName === null
                  ? <Text size="xs" c="dimmed">{t("generated")}</Text>
                  : <ActionButton onClick={() => { ask(route.resourceName ?? "", route.resourcePath); }} c="red">{common("delete")}</ActionButton>}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
