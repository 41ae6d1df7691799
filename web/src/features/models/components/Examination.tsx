import { Alert, Anchor, Group, List, Stack, Table, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyText } from "@/components/CopyText";
import { ErrorView } from "@/components/ErrorView";
import { Facts } from "@/components/Facts";
import type { ExaminationView, ModelView } from "@/lib/api/generated/types.gen";
import { bytes } from "@/lib/format";
import { paths } from "@/lib/paths";

import { useExamination } from "../api/getModel";
import { formatName } from "../formats";
import { Signatures } from "./Signatures";

const SHORT_CHECKSUM = 12;

/** What was found in the artifact, without running any of it (MD-L01). */
export function Examination({ model }: { model: ModelView }) {
  const { t } = useTranslation("models");
  const { data: found, error, isPending } = useExamination(model.modelId);
  if (error) return <ErrorView error={error} />;
  if (isPending) return <Text c="dimmed">{t("loading", { ns: "common" })}</Text>;
  if (found === null) return <Text c="dimmed" size="sm">{model.isFinished ? t("nothingExamined") : t("notYetExamined")}</Text>;
  return (
    <Stack gap="xl">
      {found.problemList.length > 0 && (
        <Alert color="red" icon={<IconAlertTriangle />} title={t("problems")}>
          <List size="sm">{found.problemList.map((each) => <List.Item key={each}>{each}</List.Item>)}</List>
        </Alert>
      )}
      {found.remarkList.length > 0 && (
        <Alert color="blue" variant="light" title={t("remarks")}>
          <List size="sm">{found.remarkList.map((each) => <List.Item key={each}>{each}</List.Item>)}</List>
        </Alert>
      )}
      <Facts facts={[[t("framework"), formatName(found.formatCode)], ...factsOf(found, t)]} />
      {found.savedModel != null && <Signatures signatures={found.savedModel.signatureList} />}
      {found.savedModel == null && found.problemList.length === 0 && <Text size="sm" c="dimmed">{t("signatureAtRuntime")}</Text>}
      <Files found={found} uri={model.modelUploadUri} />
    </Stack>
  );
}

function Files({ found, uri }: { found: ExaminationView; uri: string | null }) {
  const { t } = useTranslation("models");
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={2} size="h5">{t("files", { ns: "common" })}</Title>
        {uri?.startsWith("obs://") === true && <Anchor component={Link} to={paths.storage(uri)} size="sm">{t("openInStorage")}</Anchor>}
      </Group>
      <Table.ScrollContainer minWidth={520}>
        <Table>
          <Table.Thead>
            <Table.Tr><Table.Th>{t("file")}</Table.Th><Table.Th ta="right">{t("sizeOf")}</Table.Th><Table.Th>SHA-256</Table.Th></Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.fileList.map((file) => (
              <Table.Tr key={file.path}>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{file.path}</Table.Td>
                <Table.Td ta="right" style={{ whiteSpace: "nowrap" }}>{bytes(file.bytes)}</Table.Td>
                <Table.Td><CopyText text={file.sha256} shown={`${file.sha256.slice(0, SHORT_CHECKSUM)}…`} /></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}

type Fact = readonly [string, string | null];
type Translate = ReturnType<typeof useTranslation<"models">>["t"];

/** What a framework's own examination says, as names and values. */
function factsOf({ savedModel, torch, sklearn, huggingFace }: ExaminationView, t: Translate): Fact[] {
  if (savedModel != null) {
    return [
      [t("tensorflowVersion"), savedModel.tensorflowVersion],
      [t("directoryNumber"), savedModel.directoryNumber === null ? null : String(savedModel.directoryNumber)],
      [t("graphTags"), savedModel.tagNameList.join(", ")],
      [t("variables"), t(savedModel.hasVariables ? "yes" : "no", { ns: "common" })],
    ];
  }
  if (torch != null) {
    return [
      [t("kind"), torch.kindCode], [t("weights"), torch.weights], [t("handler"), torch.handler], [t("archive"), torch.archive],
      [t("nameInArchive"), [torch.archivedModelName, torch.archivedModelVersion].filter(Boolean).join(" ") || null], [t("requirements"), torch.requirements],
    ];
  }
  if (sklearn != null) {
    return [[t("kind"), sklearn.kindCode], [t("file"), sklearn.file], [t("className"), sklearn.className], [t("libraryVersion"), sklearn.libraryVersion]];
  }
  if (huggingFace != null) {
    return [
      [t("task"), huggingFace.taskCode], [t("architecture"), huggingFace.architecture], [t("typeName"), huggingFace.typeName],
      [t("parameterCount"), huggingFace.parameterCount.toLocaleString()], [t("dtypes"), huggingFace.dtypeList.join(", ")],
      [t("weights"), huggingFace.weightsList.join(", ")],
    ];
  }
  return [];
}
