import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { EmptyState } from "@/components/EmptyState";
import { ErrorView } from "@/components/ErrorView";
import { ListFilters } from "@/components/ListFilters";
import { useListState } from "@/components/listState";
import { PageHeader } from "@/components/PageHeader";
import { ResourceTable, type Column } from "@/components/ResourceTable";
import { Ago, Span } from "@/components/Time";
import { useTunings } from "@/features/tunings/api/listTunings";
import { TuningBulkActions } from "@/features/tunings/components/TuningBulkActions";
import { TuningProgress } from "@/features/tunings/components/TuningProgress";
import { TuningStatus } from "@/features/tunings/components/TuningStatus";
import { FIRST_CLI, FIRST_SDK } from "@/features/tunings/firstTuning";
import { TUNING_STATUSES } from "@/features/tunings/tuning";
import type { TuningView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";
import { paths } from "@/lib/paths";

export { preloadTunings as preload } from "@/features/tunings/api/listTunings";

export default function TuningsPage() {
  const { t } = useTranslation("tunings");
  const state = useListState();
  const { rows, total, error, isPending, hasMore, loadMore, refetch } = useTunings(state);
  const columns: Column<TuningView>[] = [
    { key: "name", label: t("name", { ns: "common" }), width: "minmax(140px, 2fr)", sortBy: "name", cell: (row) => row.hyperparameterTuningName },
    { key: "status", label: t("status", { ns: "common" }), width: "minmax(270px, 3fr)", sortBy: "status", cell: (row) => <TuningStatus tuning={row} /> },
    { key: "progress", label: t("trials"), width: "minmax(120px, 1.5fr)", cell: (row) => <TuningProgress tuning={row} /> },
    { key: "best", label: t("bestTrial"), width: "minmax(120px, 1.5fr)", cell: (row) => (row.optimalTrial?.objectiveValue == null ? "–" : `${row.objectiveMetricName ?? ""} ${compact(row.optimalTrial.objectiveValue)}`) },
    { key: "experiment", label: t("experiment"), width: "minmax(100px, 1fr)", cell: (row) => row.experiment?.experimentName ?? "–" },
    { key: "strategy", label: t("strategy"), width: "minmax(120px, 1fr)", isExtra: true, cell: (row) => row.tuningStrategyName ?? "–" },
    { key: "flavor", label: t("flavor"), width: "110px", isExtra: true, cell: (row) => row.flavor.name },
    { key: "created", label: t("created", { ns: "common" }), width: "125px", sortBy: "createdDatetime", cell: (row) => <Ago at={row.createdDatetime} /> },
    { key: "time", label: t("time", { ns: "common" }), width: "80px", cell: (row) => <Span seconds={row.elapsedTimeSeconds} since={row.isFinished ? null : row.startedDatetime} /> },
  ];
  const create = <Button size="xs" component={Link} to={paths.tunings.create}>{t("create", { ns: "common" })}</Button>;
  const isEmpty = !isPending && error === null && rows.length === 0 && !state.hasConditions;
  return (
    <>
      <PageHeader title={t("tunings", { ns: "shell" })} actions={create} />
      {isEmpty ? <EmptyState title={t("emptyTitle")} text={t("emptyText")} action={create} cli={FIRST_CLI} sdk={FIRST_SDK} /> : (
        <>
          <ListFilters state={state} statuses={TUNING_STATUSES} />
          {error ? <ErrorView error={error} retry={() => { void refetch(); }} /> : (
            <ResourceTable
              name="tunings" columns={columns} rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore}
              idOf={(row) => row.hyperparameterTuningId} nameOf={(row) => row.hyperparameterTuningName} pathOf={(row) => paths.tunings.one(row.hyperparameterTuningId)}
              bulkActions={(chosen, clear) => <TuningBulkActions chosen={chosen} clear={clear} />}
            />
          )}
        </>
      )}
    </>
  );
}
