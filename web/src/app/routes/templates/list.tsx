import { Button, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ActionButton } from "@/components/ActionButton";
import { CopyText } from "@/components/CopyText";
import { EmptyState } from "@/components/EmptyState";
import { ErrorView } from "@/components/ErrorView";
import { ListFilters } from "@/components/ListFilters";
import { useListState } from "@/components/listState";
import { PageHeader } from "@/components/PageHeader";
import { Pending } from "@/components/Pending";
import { ResourceTable, type Column } from "@/components/ResourceTable";
import { Ago } from "@/components/Time";
import { useTemplates } from "@/features/templates/api/listTemplates";
import { ImportButton } from "@/features/templates/components/ImportButton";
import { useDeleteRequest } from "@/features/templates/components/useDeleteRequest";
import { createWords } from "@/features/templates/words";
import type { TrainingTemplateView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

export { preloadTemplates as preload } from "@/features/templates/api/listTemplates";

const EXAMPLE = {
  trainingTemplateName: "iris", imageId: "Ubuntu 22.04 CPU PyTorch Training", flavorId: "m2.c1m2", sourceDirUri: "demo/iris-pytorch", entryPoint: "train.py",
  datasetList: [{ datasetName: "train", dataUri: "demo/iris" }], hyperparameterList: [{ parameterName: "epochs", parameterValue: "30" }],
};

export default function TemplatesPage() {
  const { t } = useTranslation(["templates", "job", "common"]);
  const state = useListState();
  const { rows, total, error, isPending, hasMore, loadMore, refetch } = useTemplates(state);
  const askToDelete = useDeleteRequest();
  const columns: Column<TrainingTemplateView>[] = [
    { key: "name", label: t("name", { ns: "common" }), width: "minmax(160px, 2fr)", sortBy: "name", cell: (row) => row.trainingTemplateName },
    { key: "description", label: t("description", { ns: "common" }), width: "minmax(160px, 3fr)", cell: (row) => row.problem == null ? <Text size="sm" truncate>{row.description}</Text> : <Text size="sm" c="red">{t("broken")}</Text> },
    { key: "image", label: t("image", { ns: "job" }), width: "minmax(140px, 2fr)", cell: (row) => row.imageId ?? "–" },
    { key: "flavor", label: t("flavor", { ns: "job" }), width: "120px", cell: (row) => row.flavorId ?? "–" },
    { key: "changed", label: t("changed"), width: "150px", cell: (row) => <Ago at={row.changedDatetime} /> },
    { key: "created", label: t("created", { ns: "common" }), width: "150px", sortBy: "createdDatetime", cell: (row) => <Ago at={row.createdDatetime} /> },
    { key: "id", label: t("id", { ns: "common" }), width: "140px", isExtra: true, cell: (row) => <CopyText text={row.trainingTemplateId} shown={row.trainingTemplateId.slice(0, 8)} /> },
  ];
  const create = <Button size="xs" component={Link} to={paths.templates.create}>{t("create", { ns: "common" })}</Button>;
  const isEmpty = !isPending && error === null && rows.length === 0 && !state.hasConditions;
  return (
    <>
      <PageHeader title={t("templates", { ns: "shell" })} actions={<><ImportButton />{create}</>} />
      {isEmpty ? <EmptyState title={t("emptyTitle")} text={t("emptyText")} action={create} cli={createWords(EXAMPLE).cli} /> : (
        <>
          <ListFilters state={state} />
          {error ? <ErrorView error={error} retry={() => { void refetch(); }} /> : isPending ? <Pending /> : (
            <ResourceTable
              name="templates" columns={columns} rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore}
              idOf={(row) => row.trainingTemplateId} nameOf={(row) => row.trainingTemplateName} pathOf={(row) => paths.templates.one(row.trainingTemplateId)}
              bulkActions={(chosen, clear) => (
                <ActionButton color="red" variant="light" onClick={() => { askToDelete(chosen, clear); }}>{t("delete", { ns: "common" })}</ActionButton>
              )}
            />
          )}
        </>
      )}
    </>
  );
}
