import { Alert, Button, Checkbox, Group, Modal, ScrollArea, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import type { DiskEntryView } from "@/lib/api/generated/types.gen";
import { bytes } from "@/lib/format";

import { useReclaimDisk } from "../api/reclaimDisk";

const total = (entries: readonly DiskEntryView[]): number => entries.reduce((sum, entry) => sum + entry.bytes, 0);

/** Shows what nothing needs any more and why, and removes what is chosen of it. */
export function Reclaim({ entries }: { entries: readonly DiskEntryView[] }) {
  const { t } = useTranslation("disk");
  const [isOpen, { open, close }] = useDisclosure();
  const [kept, setKept] = useState<ReadonlySet<string>>(new Set());
  const reclaim = useReclaimDisk();
  const chosen = entries.filter(({ place }) => !kept.has(place));
  const toggle = (place: string): void => {
    const next = new Set(kept);
    if (!next.delete(place)) next.add(place);
    setKept(next);
  };
  return (
    <>
      <Button size="xs" disabled={entries.length === 0} onClick={() => { reclaim.reset(); open(); }}>
        {entries.length === 0 ? t("nothingToReclaim") : t("reclaim", { size: bytes(total(entries)) })}
      </Button>
      <Modal opened={isOpen} onClose={close} title={t("reclaimTitle")} size="lg">
        <Stack>
          <Text size="sm">{t("reclaimText")}</Text>
          <ScrollArea.Autosize mah={320} type="auto">
            <Stack gap="xs">
              {entries.map(({ place, name, kind, bytes: size, reclaimableReason }) => (
                <Checkbox
                  key={place} size="sm" checked={!kept.has(place)} onChange={() => { toggle(place); }} label={`${t(`kinds.${kind as "BUCKET"}`)}: ${name} (${bytes(size)})`}
                  description={<>{reclaimableReason}<br />{place}</>}
                />
              ))}
            </Stack>
          </ScrollArea.Autosize>
          {reclaim.error && <ErrorView error={reclaim.error} />}
          {reclaim.data !== undefined && (
            <Alert color={reclaim.data.keptList.length > 0 ? "orange" : "teal"} role="status">
              {t("freed", { size: bytes(total(reclaim.data.freedList)) })}
              {reclaim.data.keptList.map(({ place, message }) => <Text size="sm" key={place}>{place}: {message}</Text>)}
            </Alert>
          )}
          <Group>
            <Button color="red" loading={reclaim.isPending} disabled={chosen.length === 0} onClick={() => { reclaim.mutate(chosen.map(({ place }) => place)); }}>
              {t("remove", { size: bytes(total(chosen)) })}
            </Button>
            <Button variant="default" onClick={close}>{t("close", { ns: "common" })}</Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
