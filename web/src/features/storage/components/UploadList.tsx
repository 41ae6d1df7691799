import { ActionIcon, Button, Group, Paper, Progress, Stack, Text } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { bytes } from "@/lib/format";

import { useUploads, type Upload } from "../api/uploads";

const COLORS = { waiting: "gray", sending: "blue", done: "teal", failed: "red", stopped: "gray" } as const;
const MOST = 8;

/** How far uploads are: those that go on first. */
export function UploadList() {
  const { t } = useTranslation("storage");
  const { list, stop, clear } = useUploads();
  if (list.length === 0) return null;
  const isGoing = ({ state }: Upload): boolean => state === "waiting" || state === "sending";
  const order = [...list].sort((a, b) => Number(isGoing(b)) - Number(isGoing(a)) || Number(b.state === "failed") - Number(a.state === "failed"));
  const done = list.filter(({ state }) => state === "done").length;
  return (
    <Paper withBorder p="sm" mb="sm" component="section" aria-label={t("uploads")}>
      <Group justify="space-between" mb="xs">
        <Text size="sm" fw={600} role="status">{t("uploadsDone", { done, count: list.length })}</Text>
        {!list.some(isGoing) && <Button size="compact-xs" variant="subtle" onClick={clear}>{t("close", { ns: "common" })}</Button>}
      </Group>
      <Stack gap={6}>
        {order.slice(0, MOST).map((upload) => (
          <div key={upload.id}>
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Text size="xs" truncate>{upload.name}</Text>
              <Group gap={4} wrap="nowrap">
                <Text size="xs" c={upload.state === "failed" ? "red" : "dimmed"} style={{ whiteSpace: "nowrap" }}>
                  {upload.state === "sending" ? `${bytes(upload.sent)} / ${bytes(upload.size)}` : t(`uploadState.${upload.state}`)}
                </Text>
                {isGoing(upload) && (
                  <ActionIcon size="xs" variant="subtle" color="gray" aria-label={t("stopUpload", { name: upload.name })} onClick={() => { stop(upload.id); }}>
                    <IconX size={12} />
                  </ActionIcon>
                )}
              </Group>
            </Group>
            <Progress
              size="xs" color={COLORS[upload.state]} value={upload.state === "done" || upload.size === 0 ? 100 : upload.sent / upload.size * 100}
              aria-label={upload.name}
            />
            {upload.error !== null && <Text size="xs" c="red">{upload.error.message}</Text>}
          </div>
        ))}
        {order.length > MOST && <Text size="xs" c="dimmed">{t("moreUploads", { count: order.length - MOST })}</Text>}
      </Stack>
    </Paper>
  );
}
