import { Stack, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { readMachineUse } from "@/components/monitoring/use";
import { PageHeader } from "@/components/PageHeader";
import { ResourceMonitoring } from "@/components/ResourceMonitoring";
import { GpuCards } from "@/features/monitoring/components/GpuCards";
import { RunningTable } from "@/features/monitoring/components/RunningTable";

export default function MonitoringPage() {
  const { t } = useTranslation("monitoring");
  return (
    <>
      <PageHeader title={t("title")} />
      <Stack gap="xl">
        <section aria-labelledby="machine"><Title order={2} size="h5" mb="sm" id="machine">{t("machine")}</Title><ResourceMonitoring queryKey={["machine"]} read={readMachineUse} isRunning withAll={false} /></section>
        <section aria-labelledby="running"><Title order={2} size="h5" mb="sm" id="running">{t("runsNow")}</Title><RunningTable /></section>
        <section aria-labelledby="gpus"><Title order={2} size="h5" mb="sm" id="gpus">{t("gpus")}</Title><GpuCards /></section>
      </Stack>
    </>
  );
}
