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
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import { useExperiments } from "@/features/experiments/api/listExperiments";
import { useDeleteRequest } from "@/features/experiments/components/useDeleteRequest";
import { deleteRefusal } from "@/features/experiments/rules";
import { experimentWords } from "@/features/experiments/words";
import type { ExperimentView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

export { preloadExperiments as preload } from "@/features/experiments/api/listExperiments";

export default function ExperimentsPage() {
  const { t } = useTranslation(["experiments", "common"]);
  const state = useListState();
  const { rows, total, error, isPending, hasMore, loadMore, refetch } = useExperiments(state);
  const askToDelete = useDeleteRequest();
  const columns: Column<ExperimentView>[] = [
    { key: "name", label: t("name", { ns: "common" }), width: "minmax(160px, 2fr)", sortBy: "name", cell: (row) => row.experimentName },
    {
      key: "status", label: t("status", { ns: "common" }), width: "minmax(160px, 2fr)", sortBy: "status",
      cell: (row) => <StatusBadge status={row.experimentStatusCode} reason={row.statusMessage == null ? null : { code: null, message: row.statusMessage }} />,
    },
    { key: "description", label: t("description", { ns: "common" }), width: "minmax(160px, 3fr)", cell: (row) => <Text size="sm" truncate>{row.description}</Text> },
    { key: "created", label: t("created", { ns: "common" }), width: "150px", sortBy: "createdDatetime", cell: (row) => <Ago at={row.createdDatetime} /> },
    { key: "id", label: t("id", { ns: "common" }), width: "140px", isExtra: true, cell: (row) => <CopyText text={row.experimentId} shown={row.experimentId.slice(0, 8)} /> },
  ];
  const create = <Button size="xs" component={Link} to={paths.experiments.create}>{t("create", { ns: "common" })}</Button>;
  const isEmpty = !isPending && error === null && rows.length === 0 && !state.hasConditions;
  return (
    <>
      <PageHeader title={t("experiments", { ns: "shell" })} actions={create} />
      {isEmpty ? <EmptyState title={t("emptyTitle")} text={t("emptyText")} action={create} {...experimentWords({ experimentName: "iris" })} /> : (
        <>
          <ListFilters state={state} />
          {error ? <ErrorView error={error} retry={() => { void refetch(); }} /> : isPending ? <Pending /> : (
            <ResourceTable
              name="experiments" columns={columns} rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore}
              idOf={(row) => row.experimentId} nameOf={(row) => row.experimentName} pathOf={(row) => paths.experiments.one(row.experimentId)}
              bulkActions={(chosen, clear) => (
                <ActionButton
                  color="red" variant="light" onClick={() => { askToDelete(chosen, clear); }}
                  refusal={chosen.map((row) => deleteRefusal(row, t)).find((why) => why !== null)}
                >
                  {t("delete", { ns: "common" })}
                </ActionButton>
              )}
            />
          )}
        </>
      )}
    </>
  );
}
