import { Badge, Group, Text } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { ActionButton } from "@/components/ActionButton";
import { CopyText } from "@/components/CopyText";
import type { ListState } from "@/components/listState";
import { ResourceTable, type Column } from "@/components/ResourceTable";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import type { TrainingView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

import { compareRefusal } from "../rules";
import { Elapsed } from "./Elapsed";
import { useTrainingRequests } from "./useTrainingRequests";

/** Trainings as rows, with what can be done with several of them. */
export function TrainingTable({ rows, total, state, hasMore, loadMore, withExperiment = true }: {
  rows: readonly TrainingView[];
  total: number | null;
  state: ListState;
  hasMore: boolean;
  loadMore: () => void;
  withExperiment?: boolean;
}) {
  const { t } = useTranslation(["trainings", "job", "common"]);
  const columns = useMemo((): Column<TrainingView>[] => [
    { key: "name", label: t("name", { ns: "common" }), width: "minmax(160px, 2fr)", sortBy: "name", cell: (row) => row.trainingName },
    { key: "status", label: t("status", { ns: "common" }), width: "minmax(220px, 3fr)", sortBy: "status", cell: (row) => <StatusBadge status={row.trainingStatusCode} reason={row.statusReason} /> },
    ...(withExperiment ? [{ key: "experiment", label: t("experiment", { ns: "job" }), width: "minmax(110px, 1fr)", cell: (row: TrainingView) => row.experiment === null ? "–" : <a href={paths.experiments.one(row.experiment.experimentId)}>{row.experiment.experimentName}</a> }] : []),
    { key: "flavor", label: t("flavor", { ns: "job" }), width: "130px", cell: (row) => row.flavor.name },
    { key: "created", label: t("created", { ns: "common" }), width: "150px", sortBy: "createdDatetime", cell: (row) => <Ago at={row.createdDatetime} /> },
    { key: "time", label: t("trainingTime"), width: "130px", cell: (row) => <Elapsed training={row} /> },
    { key: "image", label: t("image", { ns: "job" }), width: "minmax(180px, 1fr)", isExtra: true, cell: (row) => row.image?.imageName ?? "–" },
    { key: "nodes", label: t("nodes", { ns: "job" }), width: "150px", isExtra: true, cell: (row) => row.instanceCount },
    { key: "tags", label: t("tags", { ns: "common" }), width: "minmax(140px, 1fr)", isExtra: true, cell: (row) => <Group gap={4} wrap="nowrap">{row.tagList.map((tag) => <Badge key={tag.tagKey} variant="default" tt="none" size="sm">{tag.tagKey}={tag.tagValue}</Badge>)}</Group> },
    { key: "description", label: t("description", { ns: "common" }), width: "minmax(160px, 1fr)", isExtra: true, cell: (row) => <Text size="sm" truncate>{row.description}</Text> },
    { key: "id", label: t("id", { ns: "common" }), width: "140px", isExtra: true, cell: (row) => <CopyText text={row.trainingId} shown={row.trainingId.slice(0, 8)} /> },
  ], [t, withExperiment]);
  return (
    <ResourceTable
      name="trainings" columns={columns} rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore}
      idOf={(row) => row.trainingId} nameOf={(row) => row.trainingName} pathOf={(row) => paths.trainings.one(row.trainingId)}
      bulkActions={(chosen, clear) => <BulkActions chosen={chosen} clear={clear} />}
    />
  );
}

function BulkActions({ chosen, clear }: { chosen: readonly TrainingView[]; clear: () => void }) {
  const { t } = useTranslation(["trainings", "common"]);
  const navigate = useNavigate();
  const { stop, remove } = useTrainingRequests();
  // The first that does not permit it says why for all.
  const first = (refusal: (training: TrainingView) => string | null): string | null => {
    for (const training of chosen) {
      const why = refusal(training);
      if (why !== null) return `${training.trainingName}: ${why}`;
    }
    return null;
  };
  return (
    <>
      <ActionButton refusal={first(stop.refusal)} onClick={() => { stop.ask(chosen, clear); }}>{t("stop", { ns: "common" })}</ActionButton>
      <ActionButton refusal={first(remove.refusal)} color="red" variant="light" onClick={() => { remove.ask(chosen, clear); }}>{t("delete", { ns: "common" })}</ActionButton>
      <ActionButton refusal={compareRefusal(chosen.length, t)} onClick={() => { void navigate(paths.trainings.compare(chosen.map(({ trainingId }) => trainingId))); }}>
        {t("compare")}
      </ActionButton>
    </>
  );
}
