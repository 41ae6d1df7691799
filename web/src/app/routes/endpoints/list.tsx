import { Button, Skeleton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { EmptyState } from "@/components/EmptyState";
import { ErrorView } from "@/components/ErrorView";
import { ListFilters } from "@/components/ListFilters";
import { useListState } from "@/components/listState";
import { PageHeader } from "@/components/PageHeader";
import { useEndpoints } from "@/features/endpoints/api/listEndpoints";
import { EndpointTable } from "@/features/endpoints/components/EndpointTable";
import { ENDPOINT_STATUSES } from "@/features/endpoints/statuses";
import { paths } from "@/lib/paths";

export { preloadEndpoints as preload } from "@/features/endpoints/api/listEndpoints";

const CLI = `easymaker-local endpoint create iris --model iris --flavor m2.c1m2
easymaker-local endpoint predict iris '{"instances": [[5.1, 3.5, 1.4, 0.2]]}'`;
const SDK = `endpoint = easymaker.Endpoint().create(
    endpoint_name="flowers",
    instance_type_name="m2.c1m2",
    endpoint_model_resource_list=[easymaker.EndpointModelResource(model_id=model.model_id)],
)
print(endpoint.predict(model_id=model.model_id, json={"instances": [[5.1, 3.5, 1.4, 0.2]]}))`;

export default function EndpointsPage() {
  const { t } = useTranslation("endpoints");
  const { t: shell } = useTranslation("shell");
  const state = useListState();
  const list = useEndpoints(state);
  const create = <Button size="xs" component={Link} to={paths.endpoints.create}>{t("create")}</Button>;
  if (!list.isPending && list.error === null && list.rows.length === 0 && !state.hasConditions) {
    return (
      <>
        <PageHeader title={shell("endpoints")} />
        <EmptyState title={t("emptyTitle")} text={t("emptyText")} action={create} cli={CLI} sdk={SDK} />
      </>
    );
  }
  return (
    <>
      <PageHeader title={shell("endpoints")} actions={create} />
      <ListFilters state={state} statuses={ENDPOINT_STATUSES} />
      {list.error !== null ? <ErrorView error={list.error} retry={() => { void list.refetch(); }} /> : list.isPending ? <Skeleton height={240} /> : <EndpointTable list={list} state={state} />}
    </>
  );
}
