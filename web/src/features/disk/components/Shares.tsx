import { Group, Paper, Progress, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import type { DiskView } from "@/lib/api/generated/types.gen";
import { bytes } from "@/lib/format";

import { byKind } from "../kinds";

const COLORS = ["blue", "teal", "grape", "orange", "cyan", "pink", "lime", "indigo", "yellow"];

/** The file system at a glance: what the appliance takes by kind, what others take, what is free. */
export function Shares({ disk }: { disk: DiskView }) {
  const { t } = useTranslation("disk");
  const kinds = byKind(disk.entryList);
  const ours = kinds.reduce((sum, kind) => sum + kind.bytes, 0);
  const others = Math.max(0, disk.totalBytes - disk.freeBytes - ours);
  const parts = [
    ...kinds.map(({ kind, bytes: size }, index) => ({ label: t(`kinds.${kind as "BUCKET"}`), size, color: COLORS[index % COLORS.length] ?? "blue" })),
    { label: t("others"), size: others, color: "gray" },
  ].filter(({ size }) => size > 0);
  return (
    <Paper withBorder p="md" mb="md">
      <Text size="sm" mb="xs">{t("summary", { ours: bytes(ours), free: bytes(disk.freeBytes), total: bytes(disk.totalBytes) })}</Text>
      <Progress.Root size="lg" aria-label={t("summary", { ours: bytes(ours), free: bytes(disk.freeBytes), total: bytes(disk.totalBytes) })}>
        {parts.map(({ label, size, color }) => <Progress.Section key={label} value={size / disk.totalBytes * 100} color={color} aria-label={label} />)}
      </Progress.Root>
      <Group gap="md" mt="xs">
        {parts.map(({ label, size, color }) => (
          <Group gap={6} key={label} wrap="nowrap"><span aria-hidden style={{ width: 10, height: 10, borderRadius: 2, background: `var(--mantine-color-${color}-filled)` }} /><Text size="xs">{label} {bytes(size)}</Text></Group>
        ))}
      </Group>
    </Paper>
  );
}
