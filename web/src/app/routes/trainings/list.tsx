import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { ListFilters } from "@/components/ListFilters";
import { useListState } from "@/components/listState";
import { PageHeader } from "@/components/PageHeader";
import { ResourceTable, type Column } from "@/components/ResourceTable";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago, Span } from "@/components/Time";
import { useTrainings } from "@/features/trainings/api/listTrainings";
import type { TrainingView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

export default function TrainingsPage() {
  const { t } = useTranslation();
  const state = useListState();
  const { rows, total, error, hasMore, loadMore, refetch } = useTrainings(state);
  const columns: Column<TrainingView>[] = [
    { key: "name", label: t("name"), width: "minmax(160px, 2fr)", sortBy: "name", cell: (row) => row.trainingName },
    { key: "status", label: t("status"), width: "minmax(220px, 3fr)", sortBy: "status", cell: (row) => <StatusBadge status={row.trainingStatusCode} reason={row.statusReason} /> },
    { key: "created", label: t("created"), width: "140px", sortBy: "createdDatetime", cell: (row) => <Ago at={row.createdDatetime} /> },
    { key: "time", label: t("time"), width: "100px", cell: (row) => <Span seconds={row.elapsedTimeSeconds} /> },
  ];
  return (
    <>
      <PageHeader title={t("trainings", { ns: "shell" })} actions={<Button size="xs" component={Link} to={paths.trainings.create}>{t("create")}</Button>} />
      <ListFilters state={state} />
      {error ? <ErrorView error={error} retry={() => { void refetch(); }} /> : (
        <ResourceTable
          name="trainings" columns={columns} rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore}
          idOf={(row) => row.trainingId} nameOf={(row) => row.trainingName ?? row.trainingId} pathOf={(row) => paths.trainings.one(row.trainingId)}
        />
      )}
    </>
  );
}
