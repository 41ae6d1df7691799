import { Alert, Anchor, Badge, Code, Group, List, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyText } from "@/components/CopyText";
import { Facts } from "@/components/Facts";
import { Ago } from "@/components/Time";
import type { TrainingTemplateView } from "@/lib/api/generated/types.gen";
import { imagesQuery } from "@/lib/catalogue";
import { paths } from "@/lib/paths";

import { useUnresolved } from "../api/getTemplate";

/** What a template holds, and what of it leads nowhere on this machine. */
export function TemplateOverview({ template }: { template: TrainingTemplateView }) {
  const { t } = useTranslation(["templates", "job", "common"]);
  const { data: images = [] } = useQuery(imagesQuery("TRAINING"));
  const { data: unresolved = [] } = useUnresolved(template.trainingTemplateId);
  const image = images.find((each) => each.imageId === template.imageId);
  const path = (uri: string | null | undefined): ReactNode => (uri == null ? null : <Anchor component={Link} to={paths.storage(uri)} size="sm">{uri}</Anchor>);
  const told = (value: boolean | null | undefined): ReactNode => (value == null ? null : t(value ? "yes" : "no", { ns: "common" }));
  const facts: (readonly [string, ReactNode])[] = [
    [t("image", { ns: "job" }), image?.imageName ?? template.imageId],
    [t("flavor", { ns: "job" }), template.flavorId],
    [t("nodes", { ns: "job" }), template.instanceCount],
    [t("source", { ns: "job" }), path(template.sourceDirUri)],
    [t("entryPoint", { ns: "job" }), template.entryPoint == null ? null : <Code>{template.entryPoint}</Code>],
    [t("torchrun", { ns: "job" }), told(template.useTorchrun)],
    [t("datasets", { ns: "job" }), template.datasetList == null ? null : (
      <Stack gap={2}>{template.datasetList.map((one) => <Text size="sm" key={one.datasetName}>{one.datasetName}: {path(one.dataUri)}</Text>)}</Stack>
    )],
    [t("modelOutput", { ns: "job" }), path(template.modelUploadUri)],
    [t("checkpointOutput", { ns: "job" }), path(template.checkPointUploadUri)],
    [t("checkpointInput", { ns: "job" }), path(template.checkPointInputUri)],
    [t("timeout", { ns: "job" }), template.timeoutMinutes == null ? null : t("hours", { ns: "job", count: template.timeoutMinutes / 60 })],
    [t("storageSize", { ns: "job" }), template.dataStorageSize == null ? null : `${String(template.dataStorageSize)} GB`],
    [t("useLog", { ns: "job" }), told(template.useLog)],
    [t("tags", { ns: "common" }), template.tagList == null ? null : (
      <Group gap={4}>{template.tagList.map((tag) => <Badge variant="default" tt="none" key={tag.tagKey}>{tag.tagKey}={tag.tagValue}</Badge>)}</Group>
    )],
    [t("created", { ns: "common" }), <Ago at={template.createdDatetime} key="created" />],
    [t("changed"), <Ago at={template.changedDatetime} key="changed" />],
    [t("id", { ns: "common" }), <CopyText text={template.trainingTemplateId} key="id" />],
    [t("description", { ns: "common" }), template.description],
  ];
  return (
    <Stack gap="lg">
      {template.problem != null && <Alert color="red" title={t("broken")}>{template.problem.message}</Alert>}
      {unresolved.length > 0 && (
        <Alert color="orange" title={t("unresolved")}>
          <List size="sm">{unresolved.map((fault) => <List.Item key={fault.field}>{fault.message}</List.Item>)}</List>
        </Alert>
      )}
      <Facts facts={facts} />
    </Stack>
  );
}
