import { useTranslation } from "react-i18next";

import type { ListState } from "@/components/listState";
import { ResourceTable, type Column } from "@/components/ResourceTable";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import type { TuningView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

/** The tunings of an experiment; each has a page of its own with all that can be done. */
export function TuningTable({ rows, total, state, hasMore, loadMore }: {
  rows: readonly TuningView[];
  total: number | null;
  state: ListState;
  hasMore: boolean;
  loadMore: () => void;
}) {
  const { t } = useTranslation(["experiments", "common"]);
  const columns: Column<TuningView>[] = [
    { key: "name", label: t("name", { ns: "common" }), width: "minmax(160px, 2fr)", sortBy: "name", cell: (row) => row.hyperparameterTuningName },
    { key: "status", label: t("status", { ns: "common" }), width: "minmax(220px, 3fr)", sortBy: "status", cell: (row) => <StatusBadge status={row.hyperparameterTuningStatusCode} reason={row.statusReason} /> },
    { key: "trials", label: t("trials"), width: "130px", cell: (row) => t("trialsOf", { ended: row.successfulTrialCount + row.failedTrialCount + row.killedTrialCount + row.earlyStoppedTrialCount, all: row.maxTrialCount ?? "–" }) },
    { key: "created", label: t("created", { ns: "common" }), width: "130px", sortBy: "createdDatetime", cell: (row) => <Ago at={row.createdDatetime} /> },
  ];
  return (
    <ResourceTable
      name="experiment-tunings" columns={columns} rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore}
      idOf={(row) => row.hyperparameterTuningId} nameOf={(row) => row.hyperparameterTuningName} pathOf={(row) => paths.tunings.one(row.hyperparameterTuningId)}
    />
  );
}
