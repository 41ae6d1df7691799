import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { ActionButton, useConfirmed } from "@/components/ActionButton";
import { CopyText } from "@/components/CopyText";
import type { ListState } from "@/components/listState";
import { ResourceTable, type Column } from "@/components/ResourceTable";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import type { ModelView } from "@/lib/api/generated/types.gen";
import { bytes } from "@/lib/format";
import { paths } from "@/lib/paths";

import { useDeleteModels } from "../api/deleteModel";
import type { useModels } from "../api/listModels";
import { formatName } from "../formats";
import { useDeleteRefusal } from "./ModelActions";
import { ModelOrigin } from "./ModelOrigin";

const SHORT_ID = 8;

/** The models, and what can be done with several of them. */
export function ModelTable({ list, state }: { list: ReturnType<typeof useModels>; state: ListState }) {
  const { t } = useTranslation("models");
  const { t: common } = useTranslation();
  const columns: Column<ModelView>[] = [
    { key: "name", label: common("name"), width: "minmax(150px, 2fr)", sortBy: "name", cell: (row) => row.modelName },
    { key: "status", label: common("status"), width: "minmax(200px, 3fr)", sortBy: "status", cell: (row) => <StatusBadge status={row.modelStatusCode} reason={row.statusReason} /> },
    { key: "framework", label: t("framework"), width: "130px", cell: (row) => formatName(row.formatCode ?? row.modelFormatCode) },
    { key: "origin", label: t("origin"), width: "minmax(130px, 1fr)", cell: (row) => <ModelOrigin model={row} /> },
    { key: "uses", label: t("uses"), width: "minmax(110px, 1fr)", cell: (row) => <UsedBy model={row} /> },
    { key: "size", label: t("sizeOf"), width: "90px", cell: (row) => (row.totalBytes === null ? "–" : bytes(row.totalBytes)) },
    { key: "created", label: common("created"), width: "140px", sortBy: "createdDatetime", cell: (row) => <Ago at={row.createdDatetime} /> },
    { key: "id", label: common("id"), width: "130px", isExtra: true, cell: (row) => <CopyText text={row.modelId} shown={row.modelId.slice(0, SHORT_ID)} /> },
    { key: "description", label: common("description"), width: "minmax(140px, 1fr)", isExtra: true, cell: (row) => row.description ?? "–" },
    { key: "tags", label: common("tags"), width: "minmax(140px, 1fr)", isExtra: true, cell: (row) => row.tagList.map((tag) => `${tag.tagKey}=${tag.tagValue}`).join(", ") || "–" },
  ];
  return (
    <ResourceTable
      name="models" columns={columns} rows={list.rows} total={list.total} state={state} hasMore={list.hasMore} loadMore={list.loadMore}
      idOf={(row) => row.modelId} nameOf={(row) => row.modelName} pathOf={(row) => paths.models.one(row.modelId)}
      bulkActions={(rows, clear) => <DeleteSelected models={rows} clear={clear} />}
    />
  );
}

function UsedBy({ model }: { model: ModelView }) {
  const names = [...new Set(model.endpointList.map((use) => use.endpointName))];
  return names.length === 0 ? <Text size="sm" c="dimmed" component="span">–</Text> : <>{names.join(", ")}</>;
}

function DeleteSelected({ models, clear }: { models: readonly ModelView[]; clear: () => void }) {
  const { t } = useTranslation("models");
  const { t: common } = useTranslation();
  const confirmed = useConfirmed();
  const deleteModels = useDeleteModels();
  const refusalOf = useDeleteRefusal();
  const refused = models.find((model) => refusalOf(model) !== null);
  const refusal = refused === undefined ? null : `${refused.modelName}: ${refusalOf(refused) ?? ""}`;
  const ask = (): void => {
    confirmed(
      { title: t("deleteTitle", { name: models.map((model) => model.modelName).join(", ") }), text: t("deleteText"), confirm: common("delete"), isDestructive: true },
      () => deleteModels(models.map((model) => model.modelId)).then(clear),
    );
  };
  return <ActionButton refusal={refusal} onClick={ask}>{common("delete")}</ActionButton>;
}
