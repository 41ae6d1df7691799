import { Alert, Anchor, Badge, Code, Group, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconClock } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyText } from "@/components/CopyText";
import { Facts } from "@/components/Facts";
import { Ago, Span } from "@/components/Time";
import type { TrainingView } from "@/lib/api/generated/types.gen";
import { mebibytes } from "@/lib/format";
import { paths } from "@/lib/paths";
import { reasonText } from "@/lib/reasons";
import { moodOf, statusName } from "@/lib/statuses";

import { NodeRuns } from "./NodeRuns";

/** All that is known of a training, and above all why it waits or failed. */
export function TrainingOverview({ training }: { training: TrainingView }) {
  const { t } = useTranslation(["trainings", "job", "common"]);
  const { flavor, image, experiment } = training;
  const stored = training.dataStorageList[0]?.storageSize;
  const size = [`${String(flavor.vcpus)} vCPU`, mebibytes(flavor.ram), ...(flavor.gpuCount > 0 ? [`${String(flavor.gpuCount)} × ${flavor.gpuModel ?? "GPU"}`] : [])].join(" · ");
  const facts: (readonly [string, ReactNode])[] = [
    [t("experiment", { ns: "job" }), experiment === null ? null : <Anchor component={Link} to={paths.experiments.one(experiment.experimentId)} size="sm">{experiment.experimentName}</Anchor>],
    [t("created", { ns: "common" }), <Ago at={training.createdDatetime} key="created" />],
    [t("trainingTime"), training.startedDatetime === null ? t("notStartedYet") : <Span seconds={training.isFinished ? training.elapsedTimeSeconds : null} since={training.isFinished ? null : training.startedDatetime} />],
    [t("image", { ns: "job" }), image === null ? t("imageGone") : <><Text size="sm">{image.imageName}</Text><Text size="xs" c="dimmed">{image.frameworkCode} {image.frameworkVersion} · Python {image.pythonVersion}</Text></>],
    [t("flavor", { ns: "job" }), <><Text size="sm">{flavor.name}</Text><Text size="xs" c="dimmed">{size}</Text></>],
    [t("nodes", { ns: "job" }), training.useTorchrun ? t("nodesWithTorchrun", { count: training.instanceCount, processes: training.nprocPerNode }) : training.instanceCount],
    [t("source", { ns: "job" }), training.sourceDirUri === null ? null : <CopyText text={training.sourceDirUri} />],
    [t("entryPoint", { ns: "job" }), training.entryPoint === null ? null : <Code>{training.entryPoint}</Code>],
    [t("timeout", { ns: "job" }), t("hours", { ns: "job", count: training.timeoutMinutes / 60 })],
    [t("storageSize", { ns: "job" }), stored === undefined ? null : `${String(stored)} GB${training.dataStorageEnforcement === "WATCHED" ? ` (${t("notEnforced")})` : ""}`],
    [t("useLog", { ns: "job" }), training.useLog ? <Anchor component={Link} to={`${paths.logs}?query=${encodeURIComponent(`trainingId:"${training.trainingId}"`)}`} size="sm">{t("searchLogs")}</Anchor> : t("no", { ns: "common" })],
    [t("models"), training.modelList.length === 0 ? null : (
      <Stack gap={2}>{training.modelList.map((model) => <Anchor component={Link} to={paths.models.one(model.modelId)} size="sm" key={model.modelId}>{model.modelName}</Anchor>)}</Stack>
    )],
    [t("id", { ns: "common" }), <CopyText text={training.trainingId} key="id" />],
    [t("tags", { ns: "common" }), training.tagList.length === 0 ? null : (
      <Group gap={4}>{training.tagList.map((tag) => <Badge variant="default" tt="none" key={tag.tagKey}>{tag.tagKey}={tag.tagValue}</Badge>)}</Group>
    )],
    [t("description", { ns: "common" }), training.description],
  ];
  return (
    <Stack gap="lg">
      <Cause training={training} />
      <Facts facts={facts} />
      {training.startedDatetime !== null && <><Title order={2} size="h5">{t("runs")}</Title><NodeRuns id={training.trainingId} /></>}
    </Stack>
  );
}

/** Why it waits, or why it ended. */
function Cause({ training }: { training: TrainingView }) {
  const { t } = useTranslation(["trainings", "shell"]);
  const { statusReason: reason, trainingStatusCode: status } = training;
  if (reason === null) return null;
  const isBad = moodOf(status) === "bad";
  return (
    <Alert color={isBad ? "red" : "gray"} icon={isBad ? <IconAlertTriangle /> : <IconClock />} title={isBad ? t("whyFailed") : statusName(status)}>
      <Text size="sm">{reasonText(reason)}</Text>
      <Group gap="md" mt={4}>
        {isBad && training.startedDatetime !== null && <Anchor component={Link} to={paths.trainings.one(training.trainingId, "logs")} size="sm">{t("readLog")}</Anchor>}
        {status === "CREATE_REQUESTED" && <Anchor component={Link} to={paths.queue} size="sm">{t("showQueue")}</Anchor>}
        {status === "CREATE_FAILED" && <Anchor component={Link} to={`${paths.trainings.create}?copy=${training.trainingId}`} size="sm">{t("tryAgain")}</Anchor>}
      </Group>
    </Alert>
  );
}
