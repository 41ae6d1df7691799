import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { EmptyState } from "@/components/EmptyState";
import { ErrorView } from "@/components/ErrorView";
import { ListFilters } from "@/components/ListFilters";
import { useListState } from "@/components/listState";
import { PageHeader } from "@/components/PageHeader";
import { useTunings } from "@/features/tunings/api/listTunings";
import { TuningTable } from "@/features/tunings/components/TuningTable";
import { FIRST_CLI, FIRST_SDK } from "@/features/tunings/firstTuning";
import { TUNING_STATUSES } from "@/features/tunings/tuning";
import { paths } from "@/lib/paths";

export { preloadTunings as preload } from "@/features/tunings/api/listTunings";

export default function TuningsPage() {
  const { t } = useTranslation("tunings");
  const state = useListState();
  const { rows, total, error, isPending, hasMore, loadMore, refetch } = useTunings(state);
  const create = <Button size="xs" component={Link} to={paths.tunings.create}>{t("create", { ns: "common" })}</Button>;
  const isEmpty = !isPending && error === null && rows.length === 0 && !state.hasConditions;
  return (
    <>
      <PageHeader title={t("tunings", { ns: "shell" })} actions={create} />
      {isEmpty ? <EmptyState title={t("emptyTitle")} text={t("emptyText")} action={create} cli={FIRST_CLI} sdk={FIRST_SDK} /> : (
        <>
          <ListFilters state={state} statuses={TUNING_STATUSES} />
          {error ? <ErrorView error={error} retry={() => { void refetch(); }} /> : <TuningTable rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore} />}
        </>
      )}
    </>
  );
}
