import { Anchor, Badge, Group, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyText } from "@/components/CopyText";
import { StatusBadge } from "@/components/StatusBadge";
import type { EndpointView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

const ONE_LINE = { whiteSpace: "nowrap" } as const;

/** The stages of an endpoint (ST-04…ST-12). */
export function StageTable({ endpoint }: { endpoint: EndpointView }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const stages = [...endpoint.endpointStageList].sort((a, b) => Number(b.isDefaultStage) - Number(a.isDefaultStage));
  return (
    <Table.ScrollContainer minWidth={1000}>
      <Table highlightOnHover verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr style={ONE_LINE}>
            <Table.Th>{common("name")}</Table.Th><Table.Th>{common("status")}</Table.Th><Table.Th>{t("gatewayStatus")}</Table.Th><Table.Th>{t("models")}</Table.Th>
            <Table.Th>{t("flavor")}</Table.Th><Table.Th>{t("nodes")}</Table.Th><Table.Th>{t("pods")}</Table.Th><Table.Th>{t("stageUrl")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {stages.map((stage) => (
            <Table.Tr key={stage.endpointStageId}>
              <Table.Td miw={170}>
                <Group gap="xs" wrap="nowrap">
                  <Anchor component={Link} to={paths.stage(endpoint.endpointId, stage.endpointStageId)} size="sm" fw={500}>{stage.endpointStageName}</Anchor>
                  {stage.isDefaultStage && <Badge size="sm" radius="sm" variant="outline" tt="none" flex="none">{t("defaultStage")}</Badge>}
                </Group>
              </Table.Td>
              <Table.Td miw={110} maw={300}><StatusBadge status={stage.endpointStageStatusCode} reason={stage.statusReason} /></Table.Td>
              <Table.Td>{stage.deployStatus === null ? "–" : <StatusBadge status={stage.deployStatus} reason={stage.deployMessage === null ? null : { code: null, message: stage.deployMessage }} />}</Table.Td>
              <Table.Td>{[...new Set(stage.endpointModelList.map((each) => each.model.modelName))].join(", ") || "–"}</Table.Td>
              <Table.Td>{stage.flavor.name}</Table.Td>
              <Table.Td style={ONE_LINE}>{`${String(stage.nodeCount)} / ${String(stage.wantedNodeCount)}`}</Table.Td>
              <Table.Td style={ONE_LINE}>{`${String(stage.runningPodCount)} / ${String(stage.podCount)}`}</Table.Td>
              <Table.Td><CopyText text={`https://${stage.apigwStageUrl}`} /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {stages.length === 0 && <Text c="dimmed" size="sm">{t("noStages")}</Text>}
    </Table.ScrollContainer>
  );
}
