import { Stack } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { PageHeader } from "@/components/PageHeader";
import { Gpus } from "@/features/queue/components/Gpus";
import { Running } from "@/features/queue/components/Running";
import { Waiting } from "@/features/queue/components/Waiting";
import { useQueue } from "@/lib/queue";

// More than anybody reads; the page says how many more there are.
const MOST = 500;

/** What runs and holds what, and what waits for what (IT-L03). */
export default function QueuePage() {
  const { t } = useTranslation("queue");
  const { data, error, refetch } = useQueue(MOST);
  return (
    <>
      <PageHeader title={t("queue", { ns: "shell" })} />
      {error && <ErrorView error={error} retry={() => { void refetch(); }} />}
      {data !== undefined && <Stack><Waiting waiting={data.waitingList} count={data.waitingCount} /><Running running={data.runningList} /><Gpus /></Stack>}
    </>
  );
}
