import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import type { ListState } from "@/components/listState";
import { ResourceTable, type Column } from "@/components/ResourceTable";
import { Ago, Span } from "@/components/Time";
import type { TuningView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";
import { paths } from "@/lib/paths";

import { TuningBulkActions } from "./TuningBulkActions";
import { TuningProgress } from "./TuningProgress";
import { TuningStatus } from "./TuningStatus";

/** Tunings as rows, with what can be done with several of them. */
export function TuningTable({ rows, total, state, hasMore, loadMore, withExperiment = true }: {
  rows: readonly TuningView[];
  total: number | null;
  state: ListState;
  hasMore: boolean;
  loadMore: () => void;
  withExperiment?: boolean;
}) {
  const { t } = useTranslation("tunings");
  const columns = useMemo((): Column<TuningView>[] => [
    { key: "name", label: t("name", { ns: "common" }), width: "minmax(140px, 2fr)", sortBy: "name", cell: (row) => row.hyperparameterTuningName },
    { key: "status", label: t("status", { ns: "common" }), width: "minmax(200px, 3fr)", sortBy: "status", cell: (row) => <TuningStatus tuning={row} /> },
    { key: "progress", label: t("trials"), width: "minmax(120px, 1.5fr)", cell: (row) => <TuningProgress tuning={row} /> },
    { key: "best", label: t("bestTrial"), width: "minmax(120px, 1.5fr)", cell: (row) => (row.optimalTrial?.objectiveValue == null ? "–" : `${row.objectiveMetricName ?? ""} ${compact(row.optimalTrial.objectiveValue)}`) },
    ...(withExperiment ? [{ key: "experiment", label: t("experiment"), width: "minmax(110px, 1fr)", cell: (row: TuningView) => row.experiment?.experimentName ?? "–" }] : []),
    { key: "strategy", label: t("strategy"), width: "minmax(120px, 1fr)", isExtra: true, cell: (row) => row.tuningStrategyName ?? "–" },
    { key: "flavor", label: t("flavor"), width: "110px", isExtra: true, cell: (row) => row.flavor.name },
    { key: "created", label: t("created", { ns: "common" }), width: "140px", sortBy: "createdDatetime", cell: (row) => <Ago at={row.createdDatetime} /> },
    { key: "time", label: t("time", { ns: "common" }), width: "80px", cell: (row) => <Span seconds={row.elapsedTimeSeconds} since={row.isFinished ? null : row.startedDatetime} /> },
  ], [t, withExperiment]);
  return (
    <ResourceTable
      name="tunings" columns={columns} rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore}
      idOf={(row) => row.hyperparameterTuningId} nameOf={(row) => row.hyperparameterTuningName} pathOf={(row) => paths.tunings.one(row.hyperparameterTuningId)}
      bulkActions={(chosen, clear) => <TuningBulkActions chosen={chosen} clear={clear} />}
    />
  );
}
