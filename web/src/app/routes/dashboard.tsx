import { Grid, Stack } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { PageHeader } from "@/components/PageHeader";
import { useDashboard } from "@/features/dashboard/api/getDashboard";
import { useHasAnything } from "@/features/dashboard/api/hasAnything";
import { Failures } from "@/features/dashboard/components/Failures";
import { FirstSteps } from "@/features/dashboard/components/FirstSteps";
import { Machine } from "@/features/dashboard/components/Machine";
import { TopEndpoints } from "@/features/dashboard/components/TopEndpoints";
import { Usage } from "@/features/dashboard/components/Usage";
import { Utilization } from "@/features/dashboard/components/Utilization";
import { Waiting } from "@/features/dashboard/components/Waiting";

/** How everything stands, at a glance; the first steps where there is nothing yet. */
export default function DashboardPage() {
  const { t } = useTranslation("dashboard");
  const { data, error, refetch } = useDashboard();
  const hasAnything = useHasAnything();
  return (
    <>
      <PageHeader title={t("dashboard", { ns: "shell" })} />
      {error && <ErrorView error={error} retry={() => { void refetch(); }} />}
      {hasAnything === false ? <FirstSteps /> : (
        <Grid gap="sm">
          <Grid.Col span={{ base: 12, md: 7 }}>
            <Stack gap="sm">
              <Usage usage={data?.serviceUsage} />
              <TopEndpoints />
              <Utilization dashboard={data} />
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 5 }}>
            <Stack gap="sm">
              <Machine />
              <Waiting />
            </Stack>
          </Grid.Col>
          <Grid.Col span={12}><Failures failures={data?.failureList} /></Grid.Col>
        </Grid>
      )}
    </>
  );
}
