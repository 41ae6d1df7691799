import { Badge, Group, Progress, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { Panel } from "@/components/Panel";
import { ResourceLink } from "@/components/ResourceLink";
import type { GpuView } from "@/lib/api/generated/types.gen";
import { bytes, compact, mebibytes } from "@/lib/format";
import { useMachine } from "@/lib/machine";

/** The machine that everything shares, GPU by GPU with who holds it (DB-L03). */
export function Machine() {
  const { t } = useTranslation("dashboard");
  const { data: machine } = useMachine();
  if (machine === undefined) return <Panel title={t("machine")}><Text size="sm" c="dimmed">{t("loading", { ns: "common" })}</Text></Panel>;
  const bars = [
    { label: "vCPU", part: machine.bookedVcpus, total: machine.vcpus, text: t("promised", { part: compact(machine.bookedVcpus), total: compact(machine.vcpus) }) },
    { label: t("memory", { ns: "shell" }), part: machine.bookedMemoryMib, total: machine.memoryMib, text: t("promised", { part: mebibytes(machine.bookedMemoryMib), total: mebibytes(machine.memoryMib) }) },
    { label: t("diskFree", { ns: "shell" }), part: machine.diskBytes - machine.freeDiskBytes, total: machine.diskBytes, text: t("free", { ns: "shell", free: bytes(machine.freeDiskBytes), total: bytes(machine.diskBytes) }) },
  ];
  return (
    <Panel title={t("machine")}>
      <Stack gap="xs">
        {bars.map(({ label, part, total, text }) => (
          <div key={label}>
            <Group justify="space-between" wrap="nowrap" gap="xs"><Text size="sm">{label}</Text><Text size="xs" c="dimmed" truncate>{text}</Text></Group>
            <Progress size="xs" value={total === 0 ? 0 : part / total * 100} color={part > 0.9 * total ? "orange" : "blue"} aria-label={label} />
          </div>
        ))}
        {machine.gpuList.map((gpu) => <Gpu gpu={gpu} key={gpu.uuid} />)}
        {machine.gpuError !== null && <Text size="xs" c="orange">{machine.gpuError}</Text>}
        {machine.gpuList.length === 0 && machine.gpuError === null && <Text size="xs" c="dimmed">{t("noGpus")}</Text>}
      </Stack>
    </Panel>
  );
}

const COLORS = { FREE: "teal", BOOKED: "blue", IN_USE: "orange", UNAVAILABLE: "red" } as const;

function Gpu({ gpu }: { gpu: GpuView }) {
  const { t } = useTranslation("dashboard");
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Group gap={6} wrap="nowrap" miw={0}>
          <Text size="sm" title={gpu.model} style={{ whiteSpace: "nowrap" }}>{t("gpu", { ns: "shell", index: gpu.index })}</Text>
          <Badge size="xs" radius="sm" variant="light" color={COLORS[gpu.stateCode]}>{gpu.stateCode.replace("_", " ")}</Badge>
          {gpu.bookedBy !== null && <Text size="sm" truncate><ResourceLink kind={gpu.bookedBy.kind} id={gpu.bookedBy.id} name={gpu.bookedBy.name} /></Text>}
        </Group>
        <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>{mebibytes(gpu.usedMemoryMib)} / {mebibytes(gpu.memoryMib)}</Text>
      </Group>
      <Progress size="xs" value={gpu.memoryMib === 0 ? 0 : gpu.usedMemoryMib / gpu.memoryMib * 100} aria-label={`${t("gpu", { ns: "shell", index: gpu.index })} ${gpu.model}`} />
      {gpu.message !== null && <Text size="xs" c="orange">{gpu.message}</Text>}
    </div>
  );
}
