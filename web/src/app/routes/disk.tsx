import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { PageHeader } from "@/components/PageHeader";
import { useDisk } from "@/features/disk/api/getDisk";
import { Entries } from "@/features/disk/components/Entries";
import { Reclaim } from "@/features/disk/components/Reclaim";
import { Shares } from "@/features/disk/components/Shares";

/** What takes how much of the disk, and giving back what nothing needs. */
export default function DiskPage() {
  const { t } = useTranslation("disk");
  const { data, error, refetch } = useDisk();
  const reclaimable = data?.entryList.filter(({ reclaimableReason }) => reclaimableReason !== null) ?? [];
  return (
    <>
      <PageHeader title={t("disk", { ns: "shell" })} actions={data !== undefined && <Reclaim entries={reclaimable} />} />
      {error && <ErrorView error={error} retry={() => { void refetch(); }} />}
      {data === undefined && !error && <Text c="dimmed" size="sm">{t("counting")}</Text>}
      {data !== undefined && <><Shares disk={data} /><Entries entries={data.entryList} /></>}
    </>
  );
}
