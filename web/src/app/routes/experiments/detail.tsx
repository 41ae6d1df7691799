import { Alert, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { CopyText } from "@/components/CopyText";
import { DetailTabs } from "@/components/DetailTabs";
import { ErrorView } from "@/components/ErrorView";
import { EventTimeline } from "@/components/EventTimeline";
import { Facts } from "@/components/Facts";
import { ListFilters } from "@/components/ListFilters";
import { useListState } from "@/components/listState";
import { PageHeader } from "@/components/PageHeader";
import { Pending } from "@/components/Pending";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import { useExperiment } from "@/features/experiments/api/getExperiment";
import { useBlocking } from "@/features/experiments/api/listBlocking";
import { fetchExperimentEvents } from "@/features/experiments/api/listExperimentEvents";
import { BlockedBy } from "@/features/experiments/components/BlockedBy";
import { ExperimentActions } from "@/features/experiments/components/ExperimentActions";
import { useTrainings } from "@/features/trainings/api/listTrainings";
import { TrainingTable } from "@/features/trainings/components/TrainingTable";
import { STATUSES } from "@/features/trainings/rules";
import { useTunings } from "@/features/tunings/api/listTunings";
import { TuningTable } from "@/features/tunings/components/TuningTable";
import { TUNING_STATUSES } from "@/features/tunings/tuning";
import type { ExperimentView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

export default function ExperimentPage() {
  const { t } = useTranslation(["experiments", "common"]);
  const { id = "" } = useParams();
  const { data: experiment, error, refetch } = useExperiment(id);
  const trail = [{ label: t("experiments", { ns: "shell" }), to: paths.experiments.list }];
  if (error) return <><PageHeader title={id} trail={trail} /><ErrorView error={error} retry={() => { void refetch(); }} /></>;
  if (experiment === undefined) return <Pending />;
  return (
    <>
      <PageHeader
        title={experiment.experimentName} trail={trail} aside={<StatusBadge status={experiment.experimentStatusCode} />}
        actions={<ExperimentActions experiment={experiment} />}
      />
      <DetailTabs
        tabs={[
          { key: "trainings", label: t("trainings", { ns: "shell" }), content: <Trainings id={id} /> },
          { key: "tunings", label: t("tunings", { ns: "shell" }), content: <Tunings id={id} /> },
          { key: "overview", label: t("overview", { ns: "common" }), content: <Overview experiment={experiment} /> },
          { key: "events", label: t("events", { ns: "common" }), content: <EventTimeline kind="experiment" id={id} fetch={() => fetchExperimentEvents(id)} /> },
        ]}
      />
    </>
  );
}

function Trainings({ id }: { id: string }) {
  const { t } = useTranslation("experiments");
  const state = useListState();
  const { rows, total, error, isPending, hasMore, loadMore } = useTrainings(state, id);
  if (error) return <ErrorView error={error} />;
  if (isPending) return <Pending />;
  if (rows.length === 0 && !state.hasConditions) return <Text c="dimmed">{t("noTrainings")}</Text>;
  return (
    <>
      <ListFilters state={state} statuses={STATUSES} />
      <TrainingTable rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore} withExperiment={false} />
    </>
  );
}

function Tunings({ id }: { id: string }) {
  const { t } = useTranslation("experiments");
  const state = useListState();
  const { rows, total, error, isPending, hasMore, loadMore } = useTunings(state, id);
  if (error) return <ErrorView error={error} />;
  if (isPending) return <Pending />;
  if (rows.length === 0 && !state.hasConditions) return <Text c="dimmed">{t("noTunings")}</Text>;
  return (
    <>
      <ListFilters state={state} statuses={TUNING_STATUSES} />
      <TuningTable rows={rows} total={total} state={state} hasMore={hasMore} loadMore={loadMore} withExperiment={false} />
    </>
  );
}

function Overview({ experiment }: { experiment: ExperimentView }) {
  const { t } = useTranslation(["experiments", "common"]);
  const blocking = useBlocking(experiment.experimentId);
  return (
    <Stack gap="lg">
      {experiment.statusMessage != null && <Alert color="red" icon={<IconAlertTriangle />} title={t("whyFailed")}>{experiment.statusMessage} {t("retryHint")}</Alert>}
      <Facts
        facts={[
          [t("id", { ns: "common" }), <CopyText text={experiment.experimentId} key="id" />],
          [t("created", { ns: "common" }), <Ago at={experiment.createdDatetime} key="created" />],
          [t("description", { ns: "common" }), experiment.description],
        ]}
      />
      <BlockedBy blocking={blocking} />
    </Stack>
  );
}
