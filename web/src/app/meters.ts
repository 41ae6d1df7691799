import { useTranslation } from "react-i18next";

import { bytes, compact, mebibytes, mebibytesOf, vcpus } from "@/lib/format";
import { useMachine, useMachineUse } from "@/lib/machine";

export interface Meter {
  key: string;
  label: string;
  value: string;
  /** From 0 to 1. */
  share: number;
  /** What it says in full. */
  lines: string[];
}

// More devices than this are told together.
const GPUS_APART = 2;
const part = (of: number, total: number): number => (total === 0 ? 0 : of / total);

/** What the machine has, what is promised to jobs, and what is in use now (DB-L03). */
export function useMeters(): { meters: Meter[] } {
  const { t } = useTranslation("shell");
  const { data: machine } = useMachine();
  const use = useMachineUse();
  if (machine === undefined) return { meters: [] };
  const { gpuList: gpus } = machine;
  const taken = gpus.filter(({ stateCode }) => stateCode !== "FREE").length;
  const gpuLine = (gpu: (typeof gpus)[number]): string => {
    const state = gpu.bookedBy === null ? gpu.message ?? gpu.stateCode : gpu.bookedBy.name;
    return `${t("gpu", { index: gpu.index })}: ${state}, ${mebibytesOf(gpu.usedMemoryMib, gpu.memoryMib)}`;
  };
  return {
    meters: [
      {
        key: "cpu", label: t("cpu"), value: `${compact(machine.bookedVcpus)} / ${compact(machine.vcpus)}`, share: part(machine.bookedVcpus, machine.vcpus),
        lines: [
          t("booked", { booked: vcpus(machine.bookedVcpus), total: vcpus(machine.vcpus) }),
          ...(use?.cpu == null ? [] : [t("inUse", { used: `${use.cpu.toFixed(1)} vCPU` })]),
        ],
      },
      {
        key: "memory", label: t("memory"), value: mebibytesOf(machine.bookedMemoryMib, machine.memoryMib),
        share: part(machine.bookedMemoryMib, machine.memoryMib),
        lines: [
          t("booked", { booked: mebibytes(machine.bookedMemoryMib), total: mebibytes(machine.memoryMib) }),
          ...(use?.memoryBytes == null ? [] : [t("inUse", { used: bytes(use.memoryBytes) })]),
        ],
      },
      ...(gpus.length <= GPUS_APART
        ? gpus.map((gpu) => ({
          key: gpu.uuid, label: t("gpu", { index: gpu.index }), value: mebibytesOf(gpu.usedMemoryMib, gpu.memoryMib),
          share: gpu.stateCode === "FREE" ? part(gpu.usedMemoryMib, gpu.memoryMib) : 1, lines: [gpu.model, gpuLine(gpu)],
        }))
        : [{ key: "gpus", label: t("gpus"), value: `${String(taken)} / ${String(gpus.length)}`, share: taken / gpus.length, lines: gpus.map(gpuLine) }]),
      {
        key: "disk", label: t("diskFree"), value: bytes(machine.freeDiskBytes), share: 1 - part(machine.freeDiskBytes, machine.diskBytes),
        lines: [t("free", { free: bytes(machine.freeDiskBytes), total: bytes(machine.diskBytes) })],
      },
    ],
  };
}
