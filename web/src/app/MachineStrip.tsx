import { Group, Progress, Stack, Text, Tooltip, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { bytes, mebibytes } from "@/lib/format";
import { useMachine } from "@/lib/machine";
import { paths } from "@/lib/paths";

interface Meter {
  key: string;
  label: string;
  value: string;
  /** From 0 to 1. */
  share: number;
  title: string;
}

/** What the machine has and what is taken of it, always in sight (DB-L03). */
export function MachineStrip() {
  const { t } = useTranslation("shell");
  const { data: machine } = useMachine();
  if (machine === undefined) return null;
  const whole = (part: number, total: number): number => (total === 0 ? 0 : part / total);
  const meters: Meter[] = [
    {
      key: "cpu", label: t("cpu"), value: `${String(machine.bookedVcpus)} / ${String(machine.vcpus)}`, share: whole(machine.bookedVcpus, machine.vcpus),
      title: t("booked", { booked: `${String(machine.bookedVcpus)} vCPU`, total: `${String(machine.vcpus)} vCPU` }),
    },
    {
      key: "memory", label: t("memory"), value: `${mebibytes(machine.bookedMemoryMib)} / ${mebibytes(machine.memoryMib)}`,
      share: whole(machine.bookedMemoryMib, machine.memoryMib),
      title: t("booked", { booked: mebibytes(machine.bookedMemoryMib), total: mebibytes(machine.memoryMib) }),
    },
    ...machine.gpuList.map((gpu) => ({
      key: gpu.uuid, label: t("gpu", { index: gpu.index }), value: `${mebibytes(gpu.usedMemoryMib)} / ${mebibytes(gpu.memoryMib)}`,
      share: gpu.bookedBy !== null ? 1 : whole(gpu.usedMemoryMib, gpu.memoryMib),
      title: gpu.message ?? `${gpu.model}: ${gpu.stateCode}`,
    })),
    {
      key: "disk", label: t("diskFree"), value: bytes(machine.freeDiskBytes), share: 1 - whole(machine.freeDiskBytes, machine.diskBytes),
      title: t("free", { free: bytes(machine.freeDiskBytes), total: bytes(machine.diskBytes) }),
    },
  ];
  return (
    <Group gap="lg" wrap="nowrap" aria-label={t("groupMachine")} role="group">
      {meters.map(({ key, label, value, share, title }) => (
        <Tooltip label={title} key={key}>
          <Stack gap={2} w={112}>
            <Group justify="space-between" gap={4} wrap="nowrap">
              <Text size="xs" c="dimmed">{label}</Text>
              <Text size="xs" truncate>{value}</Text>
            </Group>
            <Progress value={share * 100} size="xs" color={share > 0.9 ? "orange" : "blue"} aria-label={`${label}: ${title}`} />
          </Stack>
        </Tooltip>
      ))}
      <UnstyledButton component={Link} to={paths.queue}>
        <Text size="xs" fw={500}>{machine.queueLength === 0 ? t("queueEmpty") : t("queueLength", { count: machine.queueLength })}</Text>
      </UnstyledButton>
    </Group>
  );
}
