import { Anchor, Skeleton, Stack, Table, Text } from "@mantine/core";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyText } from "@/components/CopyText";
import { ErrorView } from "@/components/ErrorView";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import type { EndpointStageView, PodView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";
import { span } from "@/lib/time";

import { usePods } from "../api/getStage";
import { placeOf, usePodUse, type PodUse } from "../api/podUse";
import { podUseText } from "../podUseText";

const Drawing = lazy(() => import("./Drawing"));

const SHORT_ID = 8;

/** Nodes and pods of a stage: as a drawing, and as a list that says the same. */
export function Pods({ stage }: { stage: EndpointStageView }) {
  const { t } = useTranslation("endpoints");
  const { data: pods, error, refetch } = usePods(stage.endpointStageId);
  const use = usePodUse(stage.endpointStageId);
  if (error) return <ErrorView error={error} retry={() => { void refetch(); }} />;
  if (pods === undefined) return <Skeleton height={360} />;
  return (
    <Stack gap="lg">
      <Suspense fallback={<Skeleton height={360} />}><Drawing stage={stage} pods={pods} use={use} /></Suspense>
      {pods.length === 0 ? <Text c="dimmed" size="sm">{t(stage.endpointModelList.some((each) => each.isAsleep) ? "asleepText" : "noPods")}</Text> : (
        <Table.ScrollContainer minWidth={860}>
          <Table fz="sm">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("pod")}</Table.Th><Table.Th>{t("status", { ns: "common" })}</Table.Th><Table.Th>{t("node")}</Table.Th><Table.Th>{t("use")}</Table.Th>
                <Table.Th>{t("restarts")}</Table.Th><Table.Th>{t("loadTime")}</Table.Th><Table.Th>{t("readySince")}</Table.Th><Table.Th>{t("logs", { ns: "common" })}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>{pods.map((pod) => <Row key={pod.podId} pod={pod} use={use.get(placeOf(pod))} stage={stage} />)}</Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Stack>
  );
}

function Row({ pod, use, stage }: { pod: PodView; use: PodUse | undefined; stage: EndpointStageView }) {
  const { t } = useTranslation("endpoints");
  return (
    <Table.Tr>
      <Table.Td>{`${pod.modelName ?? "–"} #${String(pod.number)}`} <CopyText text={pod.podId} shown={pod.podId.slice(0, SHORT_ID)} /></Table.Td>
      <Table.Td maw={320}><StatusBadge status={pod.podStatusCode} reason={pod.message === null ? null : { code: pod.reasonCode, message: pod.message }} /></Table.Td>
      <Table.Td>{pod.nodeName ?? t("notPlaced")}{pod.gpuUuidList.length > 0 && ` · ${String(pod.gpuUuidList.length)} GPU`}</Table.Td>
      <Table.Td>{podUseText(use)}</Table.Td>
      <Table.Td>{pod.restartCount}</Table.Td>
      <Table.Td>{pod.loadSeconds === null ? "–" : span(pod.loadSeconds)}</Table.Td>
      <Table.Td>{pod.readyDatetime === null ? "–" : <Ago at={pod.readyDatetime} />}</Table.Td>
      <Table.Td><Anchor component={Link} size="sm" to={`${paths.stage(stage.endpointId, stage.endpointStageId, "logs")}&pod=${pod.podId}`}>{t("openLog")}</Anchor></Table.Td>
    </Table.Tr>
  );
}
