import { Group, Select, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { FlavorView, MachineView } from "@/lib/api/generated/types.gen";
import { mebibytes } from "@/lib/format";
import { useMachine } from "@/lib/machine";

import { useFlavors } from "../api/choices";

type Room = "now" | "waits" | "never";

/** Whether instances of a flavor have room now, would wait, or are larger than the machine. */
function roomOf(flavor: FlavorView, count: number, machine: MachineView): Room {
  const fits = (vcpus: number, memory: number, gpus: number): boolean => flavor.vcpus * count <= vcpus && flavor.ram * count <= memory && flavor.gpuCount * count <= gpus;
  if (!fits(machine.vcpus, machine.memoryMib, machine.gpuList.length)) return "never";
  return fits(machine.freeVcpus, machine.freeMemoryMib, machine.gpuList.filter((gpu) => gpu.bookedBy === null).length) ? "now" : "waits";
}

/** The instance type of a stage (EP-07), each with what it has and whether there is room for it now. */
export function FlavorField({ value, count, onChange, error }: { value: string; count: number; onChange: (id: string) => void; error: ReactNode }) {
  const { t } = useTranslation("endpoints");
  const { data: flavors = [] } = useFlavors();
  const { data: machine } = useMachine();
  const room = new Map(machine === undefined ? [] : flavors.map((flavor) => [flavor.id, roomOf(flavor, count, machine)] as const));
  const words = (flavor: FlavorView): string =>
    `${String(flavor.vcpus)} vCPU, ${mebibytes(flavor.ram)}${flavor.gpuCount > 0 ? `, ${String(flavor.gpuCount)} GPU` : ""}`;
  return (
    <Select
      label={t("flavor")} required searchable flex={1} miw={240} value={value || null} onChange={(id) => { onChange(id ?? ""); }} error={error} maxDropdownHeight={320}
      data={flavors.map((flavor) => ({ value: flavor.id, label: flavor.name, disabled: room.get(flavor.id) === "never" }))}
      renderOption={({ option }) => {
        const flavor = flavors.find((each) => each.id === option.value);
        const state = room.get(option.value);
        return (
          <Group justify="space-between" wrap="nowrap" w="100%">
            <div><Text size="sm">{option.label}</Text>{flavor !== undefined && <Text size="xs" c="dimmed">{words(flavor)}</Text>}</div>
            {state !== undefined && <Text size="xs" c={state === "now" ? "teal" : "dimmed"}>{t(`room.${state}`)}</Text>}
          </Group>
        );
      }}
    />
  );
}
