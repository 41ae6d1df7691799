import { Alert, Anchor, Badge, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyText } from "@/components/CopyText";
import { Facts } from "@/components/Facts";
import { Ago, Span } from "@/components/Time";
import type { TuningView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";
import { paths } from "@/lib/paths";
import { reasonName } from "@/lib/reasons";
import { statusName } from "@/lib/statuses";

import { endedCount, plannedCount } from "../tuning";

import { BestTrial } from "./BestTrial";
import { ConvergenceChart } from "./ConvergenceChart";
import { TuningProgress } from "./TuningProgress";

/** How a tuning stands at a glance (HP-45…HP-49). */
export function TuningOverview({ tuning }: { tuning: TuningView }) {
  const { t } = useTranslation("tunings");
  const id = tuning.hyperparameterTuningId;
  const counts = [
    ["CREATED", tuning.createdTrialCount], ["RUNNING", tuning.runningTrialCount], ["SUCCEEDED", tuning.successfulTrialCount], ["EARLY_STOPPED", tuning.earlyStoppedTrialCount],
    ["FAILED", tuning.failedTrialCount], ["KILLED", tuning.killedTrialCount],
  ] as const;
  const nodes = Math.max(1, Math.floor(tuning.instanceCount / Math.max(1, tuning.parallelTrialCount)));
  const none = plannedCount(tuning) === null;
  return (
    <Stack gap="lg">
      {tuning.statusReason !== null && <Alert color={tuning.isFinished ? "red" : "blue"} icon={<IconInfoCircle />} title={reasonName(tuning.statusReason.code)}>{tuning.statusReason.message}</Alert>}
      {tuning.warningList.map((warning) => <Alert key={warning} color="yellow" variant="light" icon={<IconInfoCircle />}>{warning}</Alert>)}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Paper withBorder p="md">
          <Stack gap="sm">
            <Group justify="space-between"><Title order={2} size="h5">{t("progress")}</Title><Text size="sm" c="dimmed"><Span seconds={tuning.elapsedTimeSeconds} since={tuning.isFinished ? null : tuning.startedDatetime} /></Text></Group>
            <TuningProgress tuning={tuning} size="lg" />
            <Group gap="xs">
              {counts.filter(([, count]) => count > 0).map(([status, count]) => (
                <Badge key={status} component={Link} to={`${paths.tunings.one(id, "trials")}&status=${status}`} variant="outline" color="gray" radius="sm" style={{ cursor: "pointer" }}>
                  {statusName(status)} {count}
                </Badge>
              ))}
            </Group>
            <Text size="sm" c="dimmed">
              {[
                ...(tuning.isFinished ? [] : [t("parallelism", { running: tuning.runningTrialCount, wanted: tuning.parallelTrialCount }), ...(none ? [t("noMaximum")] : [])]),
                ...(tuning.gridSize === null ? [] : [t("gridHas", { count: tuning.gridSize })]),
              ].join(" ")}
            </Text>
          </Stack>
        </Paper>
        <BestTrial tuning={tuning} />
      </SimpleGrid>
      <Paper withBorder p="md"><ConvergenceChart tuning={tuning} /></Paper>
      <Paper withBorder p="md">
        <Facts
          cols={4}
          facts={[
            [t("id", { ns: "common" }), <CopyText key="id" text={id} />],
            [t("description", { ns: "common" }), tuning.description || null],
            [t("experiment"), tuning.experiment === null ? null : <Anchor key="experiment" component={Link} to={paths.experiments.one(tuning.experiment.experimentId)} size="sm">{tuning.experiment.experimentName}</Anchor>],
            [t("created", { ns: "common" }), <Ago key="created" at={tuning.createdDatetime} />],
            [t("strategy"), tuning.tuningStrategyName],
            [t("randomState"), tuning.tuningStrategyRandomState],
            [t("objective"), tuning.objectiveMetricName === null ? null : `${tuning.objectiveMetricName} · ${tuning.objectiveTypeCode ?? ""}`],
            [t("goal"), tuning.objectiveGoal === null ? null : compact(tuning.objectiveGoal)],
            [t("completedTrials"), String(endedCount(tuning))],
            [t("maxTrials"), tuning.maxTrialCount],
            [t("maxFailed"), tuning.maxFailedTrialCount],
            [t("parallel"), tuning.parallelTrialCount],
            [t("earlyStopping"), tuning.earlyStoppingAlgorithm === null ? t("none", { ns: "common" }) : t("earlyStoppingIs", { name: tuning.earlyStoppingAlgorithm, count: tuning.earlyStoppingMinTrialCount ?? 0, step: tuning.earlyStoppingStartStep ?? 0 })],
            [t("image"), tuning.image?.imageName],
            [t("flavor"), tuning.flavor.name],
            [t("nodes"), t("nodesAre", { nodes, all: tuning.instanceCount })],
            [t("modelOutput"), <Anchor key="output" component={Link} to={paths.storage(tuning.modelUploadUri)} size="sm">{tuning.modelUploadUri}</Anchor>],
            [t("tags", { ns: "common" }), tuning.tagList.length === 0 ? null : <Group gap={4} key="tags">{tuning.tagList.map((tag) => <Badge key={tag.tagKey} variant="default" radius="sm" tt="none">{tag.tagKey}={tag.tagValue}</Badge>)}</Group>],
            [t("models", { ns: "shell" }), tuning.modelList.length === 0 ? null : <Group gap="xs" key="models">{tuning.modelList.map((model) => <Anchor key={model.modelId} component={Link} to={paths.models.one(model.modelId)} size="sm">{model.modelName}</Anchor>)}</Group>],
          ]}
        />
      </Paper>
    </Stack>
  );
}
