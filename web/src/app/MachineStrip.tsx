import { ActionIcon, Group, Popover, Progress, Stack, Text, Tooltip, UnstyledButton } from "@mantine/core";
import { IconGauge } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { bytes } from "@/lib/format";
import { useMachine } from "@/lib/machine";
import { paths } from "@/lib/paths";

import { useMeters, type Meter } from "./meters";

/** What the machine has and what is taken of it, always in sight (DB-L03). */
export function MachineStrip() {
  const { t } = useTranslation("shell");
  const { meters } = useMeters();
  if (meters.length === 0) return null;
  return (
    <Group gap="lg" wrap="nowrap" aria-label={t("groupMachine")} role="group">
      {meters.map((meter) => <MeterView meter={meter} key={meter.key} />)}
      <QueueLink />
    </Group>
  );
}

/** The same where a window is too narrow for it: behind a button. */
export function MachineButton() {
  const { t } = useTranslation("shell");
  const { meters } = useMeters();
  const { data: machine } = useMachine();
  if (machine === undefined) return null;
  return (
    <Popover position="bottom-end" withArrow>
      <Popover.Target>
        <ActionIcon variant="default" size="lg" aria-label={t("groupMachine")}><IconGauge size={16} /></ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
          {meters.map((meter) => <MeterView meter={meter} key={meter.key} width={220} />)}
          <Text size="xs" c="dimmed">{t("free", { free: bytes(machine.freeDiskBytes), total: bytes(machine.diskBytes) })}</Text>
          <QueueLink />
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function MeterView({ meter: { label, value, share, lines }, width = 136 }: { meter: Meter; width?: number }) {
  return (
    <Tooltip label={lines.map((line) => <div key={line}>{line}</div>)} multiline maw={420} events={{ hover: true, focus: true, touch: true }}>
      <Stack gap={2} w={width}>
        <Group justify="space-between" gap={4} wrap="nowrap">
          <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>{label}</Text>
          <Text size="xs" truncate>{value}</Text>
        </Group>
        <Progress value={share * 100} size="xs" color={share > 0.9 ? "orange" : "blue"} aria-label={`${label}: ${lines.join(" ")}`} />
      </Stack>
    </Tooltip>
  );
}

function QueueLink() {
  const { t } = useTranslation("shell");
  const { data: machine } = useMachine();
  if (machine === undefined) return null;
  return (
    <UnstyledButton component={Link} to={paths.queue} style={{ whiteSpace: "nowrap" }}>
      <Text size="xs" fw={500}>{machine.queueLength === 0 ? t("queueEmpty") : t("queueLength", { count: machine.queueLength })}</Text>
    </UnstyledButton>
  );
}

