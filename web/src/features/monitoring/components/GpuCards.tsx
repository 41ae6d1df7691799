import { Anchor, Badge, Group, List, Paper, Progress, SimpleGrid, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { Ago } from "@/components/Time";
import type { GpuView } from "@/lib/api/generated/types.gen";
import { mebibytes } from "@/lib/format";
import { useMachine } from "@/lib/machine";
import { pathOf } from "@/lib/paths";
import { statusName } from "@/lib/statuses";

/** GPU by GPU: who holds it, what of its memory is in use, and by which processes. */
export function GpuCards() {
  const { t } = useTranslation("monitoring");
  const { data: machine, error } = useMachine();
  if (error !== null) return <ErrorView error={error} />;
  if (machine === undefined) return null;
  if (machine.gpuList.length === 0) return <Paper withBorder p="md"><Text size="sm" c="dimmed">{machine.gpuError ?? t("noGpus")}</Text></Paper>;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
      {machine.gpuList.map((gpu) => <GpuCard key={gpu.uuid} gpu={gpu} />)}
    </SimpleGrid>
  );
}

function GpuCard({ gpu }: { gpu: GpuView }) {
  const { t } = useTranslation("monitoring");
  const used = t("gpuUsed", { used: mebibytes(gpu.usedMemoryMib), total: mebibytes(gpu.memoryMib) });
  const holder = gpu.bookedBy;
  const path = holder === null ? null : pathOf(holder.kind, holder.id);
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap">
          <Text fw={600} truncate>GPU {gpu.index} · {gpu.model}</Text>
          <Badge variant="light" radius="sm" color={gpu.stateCode === "FREE" ? "teal" : gpu.stateCode === "UNAVAILABLE" ? "red" : "blue"}>{statusName(gpu.stateCode)}</Badge>
        </Group>
        <Progress value={gpu.memoryMib === 0 ? 0 : (100 * gpu.usedMemoryMib) / gpu.memoryMib} aria-label={used} />
        <Text size="xs" c="dimmed">{used}</Text>
        <Text size="sm">
          <Text span c="dimmed" inherit>{t("heldBy")} </Text>
          {holder === null ? t("heldByNobody") : path === null ? holder.name : <Anchor component={Link} to={path} size="sm">{holder.name}</Anchor>}
          {holder !== null && <Text span c="dimmed" inherit> · <Ago at={holder.sinceDatetime} /></Text>}
        </Text>
        {gpu.message !== null && <Text size="sm">{gpu.message}</Text>}
        {gpu.processList.length > 0 && (
          <List size="xs" spacing={2}>
            {gpu.processList.map((process) => <List.Item key={process.pid}>{process.name} ({t("pid")} {process.pid}){process.memoryMib === null ? "" : ` · ${mebibytes(process.memoryMib)}`}</List.Item>)}
          </List>
        )}
      </Stack>
    </Paper>
  );
}
