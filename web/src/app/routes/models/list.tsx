import { Button, Skeleton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { EmptyState } from "@/components/EmptyState";
import { ErrorView } from "@/components/ErrorView";
import { ListFilters } from "@/components/ListFilters";
import { useListState } from "@/components/listState";
import { PageHeader } from "@/components/PageHeader";
import { SystemAccount } from "@/components/SystemAccount";
import { useModels } from "@/features/models/api/listModels";
import { ModelTable } from "@/features/models/components/ModelTable";
import { MODEL_STATUSES } from "@/features/models/statuses";
import { paths } from "@/lib/paths";

export { preloadModels as preload } from "@/features/models/api/listModels";

const CLI = `easymaker-local model create iris --from-training iris
easymaker-local model create iris-copy --path demo/models/iris --framework pytorch`;
const SDK = `model = easymaker.Model().create(model_name="flowers", training_id=training.training_id)`;

export default function ModelsPage() {
  const { t } = useTranslation("models");
  const { t: shell } = useTranslation("shell");
  const state = useListState();
  const list = useModels(state);
  const create = <Button size="xs" component={Link} to={paths.models.create}>{t("create")}</Button>;
  if (!list.isPending && list.error === null && list.rows.length === 0 && !state.hasConditions) {
    return (
      <>
        <PageHeader title={shell("models")} actions={<SystemAccount />} />
        <EmptyState title={t("emptyTitle")} text={t("emptyText")} action={create} cli={CLI} sdk={SDK} />
      </>
    );
  }
  return (
    <>
      <PageHeader title={shell("models")} actions={<><SystemAccount />{create}</>} />
      <ListFilters state={state} statuses={MODEL_STATUSES} />
      {list.error !== null ? <ErrorView error={list.error} retry={() => { void list.refetch(); }} /> : list.isPending ? <Skeleton height={240} /> : <ModelTable list={list} state={state} />}
    </>
  );
}
