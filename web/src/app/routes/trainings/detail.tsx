import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { DetailTabs } from "@/components/DetailTabs";
import { ErrorView } from "@/components/ErrorView";
import { EventTimeline } from "@/components/EventTimeline";
import { readTrainingUse } from "@/components/monitoring/use";
import { NameValueTable } from "@/components/NameValueTable";
import { Pending } from "@/components/Pending";
import { PageHeader } from "@/components/PageHeader";
import { ResourceMonitoring } from "@/components/ResourceMonitoring";
import { StatusBadge } from "@/components/StatusBadge";
import { useTraining } from "@/features/trainings/api/getTraining";
import { fetchTrainingEvents } from "@/features/trainings/api/listTrainingEvents";
import { TrainingActions } from "@/features/trainings/components/TrainingActions";
import { TrainingConfiguration } from "@/features/trainings/components/TrainingConfiguration";
import { TrainingFiles } from "@/features/trainings/components/TrainingFiles";
import { TrainingLogs } from "@/features/trainings/components/TrainingLogs";
import { TrainingMetrics } from "@/features/trainings/components/TrainingMetrics";
import { TrainingOverview } from "@/features/trainings/components/TrainingOverview";
import { monitoringRefusal } from "@/features/trainings/rules";
import { paths } from "@/lib/paths";

export default function TrainingPage() {
  const { t } = useTranslation(["trainings", "job", "common"]);
  const { id = "" } = useParams();
  const { data: training, error, refetch } = useTraining(id);
  const trail = [{ label: t("trainings", { ns: "shell" }), to: paths.trainings.list }];
  if (error) return <><PageHeader title={id} trail={trail} /><ErrorView error={error} retry={() => { void refetch(); }} /></>;
  if (training === undefined) return <Pending />;
  return (
    <>
      <PageHeader
        title={training.trainingName} trail={trail} aside={<StatusBadge status={training.trainingStatusCode} />}
        actions={<TrainingActions training={training} />}
      />
      <DetailTabs
        tabs={[
          { key: "overview", label: t("overview", { ns: "common" }), content: <TrainingOverview training={training} /> },
          { key: "logs", label: t("logs", { ns: "common" }), content: <TrainingLogs training={training} /> },
          { key: "metrics", label: t("metrics"), content: <TrainingMetrics training={training} /> },
          {
            key: "hyperparameters", label: t("hyperparameters", { ns: "job" }),
            content: (
              <NameValueTable
                rows={training.hyperparameterList.map((one) => [one.parameterName, one.parameterValue])} nameLabel={t("key", { ns: "job" })}
                valueLabel={t("value", { ns: "job" })} empty={t("noHyperparameters")}
              />
            ),
          },
          { key: "files", label: t("files", { ns: "common" }), content: <TrainingFiles training={training} /> },
          {
            key: "monitoring", label: t("monitoring", { ns: "common" }), refusal: monitoringRefusal(training, t),
            content: <ResourceMonitoring queryKey={["training", id]} read={readTrainingUse(id)} isRunning={!training.isFinished} initial={training.isFinished ? "all" : "15m"} />,
          },
          { key: "events", label: t("events", { ns: "common" }), content: <EventTimeline kind="training" id={id} fetch={() => fetchTrainingEvents(id)} /> },
          { key: "configuration", label: t("configuration", { ns: "common" }), content: <TrainingConfiguration training={training} /> },
        ]}
      />
    </>
  );
}
