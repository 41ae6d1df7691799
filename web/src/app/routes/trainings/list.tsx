import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { EmptyState } from "@/components/EmptyState";
import { ErrorView } from "@/components/ErrorView";
import { ListFilters } from "@/components/ListFilters";
import { useListState } from "@/components/listState";
import { PageHeader } from "@/components/PageHeader";
import { Pending } from "@/components/Pending";
import { SystemAccount } from "@/components/SystemAccount";
import { useTrainings } from "@/features/trainings/api/listTrainings";
import { TrainingTable } from "@/features/trainings/components/TrainingTable";
import { STATUSES } from "@/features/trainings/rules";
import { trainingWords } from "@/features/trainings/words";
import { paths } from "@/lib/paths";

export { preloadTrainings as preload } from "@/features/trainings/api/listTrainings";

const EXAMPLE = {
  trainingName: "first", experimentId: "demo", imageId: "Ubuntu 22.04 CPU PyTorch Training", flavorId: "m2.c1m2",
  sourceDirUri: "obs://local/v1/AUTH_local/demo/iris-pytorch", entryPoint: "train.py", modelUploadUri: "obs://local/v1/AUTH_local/demo/models/first",
  datasetList: [{ datasetName: "train", dataUri: "obs://local/v1/AUTH_local/demo/iris" }], hyperparameterList: [{ parameterName: "epochs", parameterValue: "30" }],
};

export default function TrainingsPage() {
  const { t } = useTranslation(["trainings", "common"]);
  const state = useListState();
  const { rows, total, error, isPending, hasMore, loadMore, refetch } = useTrainings(state);
  const create = <Button size="xs" component={Link} to={paths.trainings.create}>{t("create", { ns: "common" })}</Button>;
  const isEmpty = !isPending && error === null && rows.length === 0 && !state.hasConditions;
  return (
    <>
      <PageHeader title={t("trainings", { ns: "shell" })} actions={<><SystemAccount />{create}</>} />
      {isEmpty ? <EmptyState title={t("emptyTitle")} text={t("emptyText")} action={create} {...trainingWords(EXAMPLE, EXAMPLE.imageId)} /> : (
        <>
          <ListFilters state={state} statuses={STATUSES} />
          {error ? <ErrorView error={error} retry={() => { void refetch(); }} /> : isPending ? <Pending /> : <TrainingTable rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore} />}
        </>
      )}
    </>
  );
}
