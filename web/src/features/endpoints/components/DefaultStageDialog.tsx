import { Alert, Button, Checkbox, Group, List, Modal, Radio, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { StatusBadge } from "@/components/StatusBadge";
import type { EndpointView } from "@/lib/api/generated/types.gen";
import { span } from "@/lib/time";

import { useChangeDefaultStage, useDefaultStagePreview } from "../api/defaultStage";
import { FitText } from "./FitText";

/** Chooses another default stage, and says before what will happen and what will be lost (EP-32…EP-35, GN-16). */
export function DefaultStageDialog({ endpoint, chosen, onClose }: { endpoint: EndpointView; chosen?: string; onClose: () => void }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const others = endpoint.endpointStageList.filter((stage) => !stage.isDefaultStage);
  const [stageId, setStageId] = useState<string | null>(chosen ?? others[0]?.endpointStageId ?? null);
  const [stopFirst, setStopFirst] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [isSending, setSending] = useState(false);
  const { data: preview, error: previewError } = useDefaultStagePreview(endpoint.endpointId, stageId);
  const change = useChangeDefaultStage(endpoint.endpointId);
  const isReady = preview?.isPossible === true && (!preview.needsStopFirst || stopFirst);
  const submit = (): void => {
    if (stageId === null || preview === undefined) return;
    setSending(true);
    setError(null);
    change(stageId, preview.needsStopFirst && stopFirst).then(onClose, (refusal: unknown) => { setError(refusal as Error); }).finally(() => { setSending(false); });
  };
  return (
    <Modal opened onClose={onClose} title={t("changeDefaultTitle", { name: endpoint.endpointName })} size="lg">
      <Stack>
        <Radio.Group label={t("newDefault")} value={stageId} onChange={(value) => { setStageId(value); setStopFirst(false); }}>
          <Stack gap="xs" mt="xs">
            {others.map((stage) => (
              <Radio
                key={stage.endpointStageId} value={stage.endpointStageId}
                label={<Group gap="xs" component="span"><Text span fw={500}>{stage.endpointStageName}</Text><StatusBadge status={stage.endpointStageStatusCode} /></Group>}
              />
            ))}
          </Stack>
        </Radio.Group>
        {previewError !== null && <ErrorView error={previewError} />}
        {preview !== undefined && (
          <>
            {preview.refusal !== null && <Alert color="red" icon={<IconAlertTriangle />} title={t("notPossible")}>{preview.refusal}</Alert>}
            {preview.isPossible && (
              <List size="sm" spacing={4}>
                <List.Item>{t(preview.needsStopFirst ? "changeWithGap" : "changeWithoutGap")}</List.Item>
                <List.Item>{t("urlStays", { url: `https://${endpoint.apigwDefaultStageUrl}` })}</List.Item>
                {preview.deletedStage !== null && <List.Item><b>{t("stageIsDeleted", { name: preview.deletedStage.endpointStageName })}</b></List.Item>}
              </List>
            )}
            {preview.fit !== null && <FitText fit={preview.fit} />}
            {preview.needsStopFirst && preview.isPossible && (
              <Checkbox
                checked={stopFirst} onChange={(event) => { setStopFirst(event.currentTarget.checked); }} label={t("stopFirst")}
                description={preview.waitSeconds === null ? t("waitUnknown") : t("waitAbout", { time: span(preview.waitSeconds) })}
              />
            )}
          </>
        )}
        {error !== null && <ErrorView error={error} title={t("notChanged")} />}
        <Text size="sm" c="dimmed">{common("notCancellable")}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{common("cancel")}</Button>
          <Button onClick={submit} disabled={!isReady} loading={isSending}>{t("changeDefault")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
