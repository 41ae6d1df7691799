import { Alert, Paper, Progress, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { ApiError } from "@/lib/api/client";
import type { StagePreview as Body, StagePreviewView } from "@/lib/api/generated/types.gen";
import { bytes, compact } from "@/lib/format";
import { span } from "@/lib/time";

import { useStagePreview } from "../api/previewStage";
import { memoryText } from "../quantity";
import { FitText } from "./FitText";

/** What a stage would take, beside its form: flavor - base = usable, what each pod gets, whether it fits now (RI-02, RI-L01, SR-09). */
export function StagePreview({ body }: { body: Body }) {
  const { t } = useTranslation("endpoints");
  const { data: preview, error, isLoading, isPlaceholderData } = useStagePreview(body);
  return (
    <Paper withBorder p="md" role="region" aria-label={t("preview")} aria-busy={isLoading || isPlaceholderData}>
      <Title order={2} size="h6" mb="xs">{t("preview")}</Title>
      {error !== null ? <Refused error={error} /> : preview !== undefined ? <Preview preview={preview} /> : isLoading ? <Skeleton height={120} /> : <Text size="sm" c="dimmed">{t("previewEmpty")}</Text>}
    </Paper>
  );
}

function Refused({ error }: { error: Error }) {
  const { t } = useTranslation("endpoints");
  // Faults of fields stand at the fields, too; here is what they mean for the whole.
  return error instanceof ApiError && error.fields.length > 0
    ? <Alert color="orange" variant="light" title={t("previewRefused")}>{error.fields.map((fault) => <Text size="sm" key={fault.field}>{fault.message}</Text>)}</Alert>
    : <ErrorView error={error} />;
}

function Preview({ preview }: { preview: StagePreviewView }) {
  const { t } = useTranslation("endpoints");
  const { flavor, base, usable } = preview;
  const share = preview.modelList.reduce((sum, model) => sum + model.percentageOfUsable * model.podCount, 0) / preview.nodeCount;
  return (
    <Stack gap="sm">
      <FitText fit={preview.fit} />
      {preview.fitsBesideDefault === false && <Alert color="orange" variant="light" p="xs">{t("notBeside")}</Alert>}
      <Table fz="sm" aria-label={t("usable")}>
        <Table.Tbody>
          <Table.Tr><Table.Th>{flavor.name}</Table.Th><Table.Td ta="right">{flavor.vcpus} vCPU</Table.Td><Table.Td ta="right">{bytes(flavor.ram * 1024 ** 2)}</Table.Td></Table.Tr>
          <Table.Tr><Table.Th>− {t("base")}</Table.Th><Table.Td ta="right">{base.cpu} vCPU</Table.Td><Table.Td ta="right">{memoryText(base.memory)}</Table.Td></Table.Tr>
          <Table.Tr><Table.Th>= {t("usable")}</Table.Th><Table.Td ta="right">{usable.cpu} vCPU</Table.Td><Table.Td ta="right">{memoryText(usable.memory)}</Table.Td></Table.Tr>
        </Table.Tbody>
      </Table>
      <div>
        <Text size="xs" c="dimmed" mb={4}>{t("allocated", { share: compact(share), count: preview.nodeCount })}</Text>
        <Progress.Root size="lg">
          {preview.modelList.map((model, index) => (
            <Progress.Section
              key={`${String(index)} ${model.modelId}`} value={(model.percentageOfUsable * model.podCount) / preview.nodeCount}
              color={["blue", "teal", "grape", "orange"][index % 4] ?? "blue"} aria-label={`${model.modelName}: ${compact(model.percentageOfUsable * model.podCount)} %`}
            />
          ))}
        </Progress.Root>
      </div>
      {preview.modelList.map((model, index) => (
        <div key={`${String(index)} ${model.modelId}`}>
          <Text size="sm" fw={500}>{model.podCount > 1 ? `${model.modelName} × ${String(model.podCount)}` : model.modelName}</Text>
          <Text size="sm" c="dimmed">
            {t("eachPod", { cpu: model.resourceOptionDetail.cpu, memory: memoryText(model.resourceOptionDetail.memory), share: compact(model.percentageOfUsable) })}
            {model.resourceOptionDetail.gpu !== "0" && ` · ${model.resourceOptionDetail.gpu} GPU`}
          </Text>
          {(model.loadSeconds !== null || model.memoryBytes !== null) && (
            <Text size="xs" c="dimmed">{t("measured", { time: model.loadSeconds === null ? "–" : span(model.loadSeconds), memory: model.memoryBytes === null ? "–" : bytes(model.memoryBytes) })}</Text>
          )}
          {model.warningList.map((warning) => <Text size="xs" c="orange" key={warning}>{warning}</Text>)}
        </div>
      ))}
    </Stack>
  );
}
