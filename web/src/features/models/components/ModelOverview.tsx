import { Anchor, Badge, Code, Group, Stack, Table, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyIcon, CopyText } from "@/components/CopyText";
import { Facts } from "@/components/Facts";
import { ReasonAlert } from "@/components/ReasonAlert";
import { Ago } from "@/components/Time";
import type { ModelView } from "@/lib/api/generated/types.gen";
import { bytes } from "@/lib/format";
import { paths } from "@/lib/paths";

import { formatName } from "../formats";
import { ModelOrigin } from "./ModelOrigin";
import { ModelUses } from "./ModelUses";

/** What a model is, where it lies, what it came from and where it is used. */
export function ModelOverview({ model }: { model: ModelView }) {
  const { t } = useTranslation("models");
  const { t: common } = useTranslation();
  const size = model.totalBytes === null ? null : t("size", { size: bytes(model.totalBytes), count: model.fileCount ?? 0 });
  return (
    <Stack gap="xl">
      <ReasonAlert status={model.modelStatusCode} reason={model.statusReason} />
      <Facts
        facts={[
          [common("id"), <CopyText text={model.modelId} key="id" />],
          [t("framework"), [formatName(model.formatCode ?? model.modelFormatCode), model.frameworkVersion].filter(Boolean).join(" ")],
          [common("created"), <Ago at={model.createdDatetime} key="created" />],
          [t("origin"), <ModelOrigin model={model} withIds key="origin" />],
          [t("artifact"), <Artifact model={model} key="artifact" />],
          [t("sizeOf"), size],
          [common("description"), model.description],
          [common("tags"), model.tagList.length === 0 ? null : (
            <Group gap={4} key="tags">{model.tagList.map((tag) => <Badge key={tag.tagKey} variant="default" tt="none" radius="sm">{`${tag.tagKey}=${tag.tagValue}`}</Badge>)}</Group>
          )],
        ]}
      />
      {model.parameterList.length > 0 && (
        <Stack gap="xs">
          <Title order={2} size="h5">{t("parameters")}</Title>
          <Table maw={640} aria-label={t("parameters")}>
            <Table.Tbody>
              {model.parameterList.map(({ parameterName, parameterValue }) => (
                <Table.Tr key={parameterName}><Table.Th w="40%">{parameterName}</Table.Th><Table.Td><Code>{parameterValue}</Code></Table.Td></Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Stack>
      )}
      <Stack gap="xs">
        <Title order={2} size="h5">{t("uses")}</Title>
        <ModelUses model={model} />
      </Stack>
    </Stack>
  );
}

function Artifact({ model }: { model: ModelView }) {
  const { t } = useTranslation("models");
  if (model.modelUploadUri === null) return <>{model.revision === null ? t("ofHub") : t("ofHubAt", { revision: model.revision })}</>;
  const { modelUploadUri: uri } = model;
  return (
    <Group gap={4} wrap="nowrap" component="span" display="inline-flex">
      {uri.startsWith("obs://") ? <Anchor component={Link} to={paths.storage(uri)} size="sm">{uri}</Anchor> : <span>{uri}</span>}
      <CopyIcon text={uri} />
    </Group>
  );
}
