import { Skeleton } from "@mantine/core";
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";

import { DetailTabs } from "@/components/DetailTabs";
import { ErrorView } from "@/components/ErrorView";
import { EventTimeline } from "@/components/EventTimeline";
import { PageHeader } from "@/components/PageHeader";
import { useTuning } from "@/features/tunings/api/getTuning";
import { fetchTuningEvents } from "@/features/tunings/api/listTuningEvents";
import { TrialTable } from "@/features/tunings/components/TrialTable";
import { TuningActions } from "@/features/tunings/components/TuningActions";
import { TuningConfiguration } from "@/features/tunings/components/TuningConfiguration";
import { TuningOverview } from "@/features/tunings/components/TuningOverview";
import { TuningStatusLine } from "@/features/tunings/components/TuningStatus";
import { isBeingCreated, isBroken } from "@/features/tunings/tuning";
import { paths } from "@/lib/paths";
import { statusName } from "@/lib/statuses";

const TrialLogs = lazy(async () => ({ default: (await import("@/features/tunings/components/TrialLogs")).TrialLogs }));
const TrialMetrics = lazy(async () => ({ default: (await import("@/features/tunings/components/TrialMetrics")).TrialMetrics }));
const TrialMonitoring = lazy(async () => ({ default: (await import("@/features/tunings/components/TrialMonitoring")).TrialMonitoring }));
const TuningPictures = lazy(async () => ({ default: (await import("@/features/tunings/components/TuningPictures")).TuningPictures }));

export default function TuningPage() {
  const { t } = useTranslation("tunings");
  const { id = "" } = useParams();
  const { data: tuning, error, refetch } = useTuning(id);
  const trail = [{ label: t("tunings", { ns: "shell" }), to: paths.tunings.list }];
  if (error !== null) return <><PageHeader title={id} trail={trail} /><ErrorView error={error} retry={() => { void refetch(); }} /></>;
  if (tuning === undefined) return <Skeleton height={320} />;
  const refusal = isBeingCreated(tuning) ? t("notPermitted", { ns: "common", status: statusName(tuning.hyperparameterTuningStatusCode) }) : null;
  const broken = isBroken(tuning) ? t("brokenRefusal") : null;
  return (
    <>
      <PageHeader title={tuning.hyperparameterTuningName} trail={trail} aside={<TuningStatusLine tuning={tuning} />} actions={<TuningActions tuning={tuning} />} />
      <DetailTabs
        tabs={[
          { key: "overview", label: t("overview", { ns: "common" }), content: <TuningOverview tuning={tuning} /> },
          { key: "trials", label: t("trials"), content: <TrialTable tuning={tuning} />, refusal: broken },
          { key: "pictures", label: t("pictures"), content: <TuningPictures tuning={tuning} />, refusal: broken },
          { key: "metrics", label: t("metricsTab"), content: <TrialMetrics tuning={tuning} />, refusal: broken },
          { key: "logs", label: t("logs", { ns: "common" }), content: <TrialLogs tuning={tuning} />, refusal: broken },
          { key: "monitoring", label: t("monitoring", { ns: "common" }), content: <TrialMonitoring tuning={tuning} />, refusal: broken ?? refusal },
          { key: "events", label: t("events", { ns: "common" }), content: <EventTimeline kind="hyperparameter-tuning" id={id} fetch={() => fetchTuningEvents(id)} /> },
          { key: "configuration", label: t("configuration", { ns: "common" }), content: <TuningConfiguration tuning={tuning} />, refusal: broken },
        ]}
      />
    </>
  );
}
