import { Alert, Group, SegmentedControl, Select, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { EndpointStageView } from "@/lib/api/generated/types.gen";
import { statusName } from "@/lib/statuses";

import { useMetadata } from "../api/modelMetadata";
import { generatesText } from "../protocol";
import { ChatBox } from "./ChatBox";
import { RequestEditor } from "./RequestEditor";

/** Asks the models of a stage, as those who use the endpoint do (EP-33, EP-39). */
export function TryIt({ stages, needsKey }: { stages: readonly EndpointStageView[]; needsKey: boolean }) {
  const { t } = useTranslation("endpoints");
  const [stageId, setStageId] = useState(stages.find((each) => each.isDefaultStage)?.endpointStageId ?? stages[0]?.endpointStageId ?? "");
  const stage = stages.find((each) => each.endpointStageId === stageId) ?? stages[0];
  const names = [...new Set(stage?.endpointModelList.map((each) => each.model.modelName))];
  const [chosen, setChosen] = useState<string | null>(null);
  const modelName = chosen !== null && names.includes(chosen) ? chosen : names[0];
  const [way, setWay] = useState<"request" | "chat">("request");
  const isServing = stage !== undefined && stage.runningPodCount > 0;
  const { data: metadata, isFetching } = useMetadata(stage?.endpointStageId ?? "", modelName ?? "", isServing && modelName !== undefined);
  if (stage === undefined || modelName === undefined) return <Text c="dimmed">{t("nothingToTry")}</Text>;
  const isAsleep = stage.endpointModelList.some((each) => each.model.modelName === modelName && each.isAsleep);
  const canChat = generatesText(metadata);
  return (
    <Stack>
      <Group align="flex-end">
        {stages.length > 1 && (
          <Select
            label={t("stage")} value={stage.endpointStageId} onChange={(id) => { if (id !== null) setStageId(id); }} allowDeselect={false}
            data={stages.map((each) => ({ value: each.endpointStageId, label: each.isDefaultStage ? t("stageIsDefault", { name: each.endpointStageName }) : each.endpointStageName }))}
          />
        )}
        <Select label={t("model")} value={modelName} onChange={setChosen} data={names} allowDeselect={false} />
        {canChat && (
          <SegmentedControl
            value={way} onChange={(value) => { setWay(value as typeof way); }} aria-label={t("wayToAsk")}
            data={[{ value: "request", label: t("request") }, { value: "chat", label: t("chat") }]}
          />
        )}
      </Group>
      {!isServing && !isAsleep && <Alert color="orange" variant="light">{t("notServing", { status: statusName(stage.endpointStageStatusCode) })}</Alert>}
      {isAsleep && <Alert color="blue" variant="light">{t("asleepText")}</Alert>}
      {way === "chat" && canChat
        ? <ChatBox key={`${stageId} ${modelName}`} stageId={stage.endpointStageId} modelName={modelName} />
        : <RequestEditor key={`${stageId} ${modelName}`} stage={stage} modelName={modelName} metadata={metadata ?? null} needsKey={needsKey} isReading={isFetching} />}
    </Stack>
  );
}
