import { Select, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { LogViewer } from "@/components/LogViewer";
import { APPKEY, payload, PROJECT } from "@/lib/api/client";
import { readEndpointStagePodLog } from "@/lib/api/generated/sdk.gen";
import type { PodLogView } from "@/lib/api/generated/types.gen";
import { bytes } from "@/lib/format";
import { statusName } from "@/lib/statuses";

import { usePodLogs } from "../api/getStage";

const SHORT_ID = 8;

/** What the model servers of a stage print; also those that are gone. */
export function PodLogs({ stageId }: { stageId: string }) {
  const { t } = useTranslation("endpoints");
  const { data: logs, error, refetch } = usePodLogs(stageId);
  const [params, setParams] = useSearchParams();
  if (error) return <ErrorView error={error} retry={() => { void refetch(); }} />;
  if (logs === undefined) return null;
  const newest = [...logs].reverse();
  const chosen = newest.find((log) => log.podId === params.get("pod")) ?? newest[0];
  if (chosen === undefined) return <Text c="dimmed" size="sm">{t("noPodLogs")}</Text>;
  const path = `/v1.0/appkeys/${APPKEY}/endpoint-stages/${stageId}/pods/${chosen.podId}/log`;
  const name = (log: PodLogView): string => `${log.modelName ?? "–"} · ${log.podId.slice(0, SHORT_ID)} · ${statusName(log.podStatusCode)} · ${bytes(log.logSize)}`;
  return (
    <LogViewer
      queryKey={["endpoint-stage", "pod-log", stageId, chosen.podId]} streamUrl={`${path}/stream`} downloadUrl={`${path}/raw`}
      read={async (offset, limit, waitSeconds, signal) => (await payload(readEndpointStagePodLog({
        path: { ...PROJECT, endpoint_stage_id: stageId, pod_id: chosen.podId }, query: { offset, limit, waitSeconds }, signal,
      }))).log}
    >
      <Select
        size="xs" w={360} maw="100%" aria-label={t("pod")} allowDeselect={false} value={chosen.podId} data={newest.map((log) => ({ value: log.podId, label: name(log) }))}
        onChange={(podId) => { if (podId !== null) setParams((now) => { const next = new URLSearchParams(now); next.set("pod", podId); return next; }, { replace: true }); }}
      />
    </LogViewer>
  );
}
