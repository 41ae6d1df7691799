import { Badge, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { Panel } from "@/components/Panel";
import { ResourceLink } from "@/components/ResourceLink";
import { mebibytes } from "@/lib/format";
import { useMachine } from "@/lib/machine";

const COLORS = { FREE: "teal", BOOKED: "blue", IN_USE: "orange", UNAVAILABLE: "red" } as const;

/** Every GPU: who holds it, and what computes on it. */
export function Gpus() {
  const { t } = useTranslation("queue");
  const { data: machine } = useMachine();
  if (machine === undefined) return null;
  return (
    <Panel title={t("gpuPanel", { count: machine.gpuList.length })}>
      {machine.gpuError !== null && <Text size="sm" c="orange">{machine.gpuError}</Text>}
      {machine.gpuList.length === 0 ? <Text size="sm" c="dimmed">{t("noGpus")}</Text> : (
        <Table.ScrollContainer type="native" minWidth={620}>
          <Table verticalSpacing={6}>
            <Table.Thead>
              <Table.Tr><Table.Th>GPU</Table.Th><Table.Th>{t("status", { ns: "common" })}</Table.Th><Table.Th>{t("heldBy")}</Table.Th><Table.Th>{t("memory", { ns: "shell" })}</Table.Th><Table.Th>{t("processes")}</Table.Th></Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {machine.gpuList.map((gpu) => (
                <Table.Tr key={gpu.uuid}>
                  <Table.Td>{gpu.index} <Text span size="xs" c="dimmed" title={gpu.uuid}>{gpu.model}{gpu.isMig && " MIG"}</Text></Table.Td>
                  <Table.Td>
                    <Badge size="sm" radius="sm" variant="light" color={COLORS[gpu.stateCode]}>{gpu.stateCode.replace("_", " ")}</Badge>
                    {gpu.message !== null && <Text size="xs" c="dimmed">{gpu.message}</Text>}
                  </Table.Td>
                  <Table.Td>{gpu.bookedBy === null ? "–" : <Text size="sm"><ResourceLink kind={gpu.bookedBy.kind} id={gpu.bookedBy.id} name={gpu.bookedBy.name} /></Text>}</Table.Td>
                  <Table.Td>{mebibytes(gpu.usedMemoryMib)} / {mebibytes(gpu.memoryMib)}</Table.Td>
                  <Table.Td>{gpu.processList.length === 0 ? "–" : gpu.processList.map(({ pid, name }) => `${name} (${String(pid)})`).join(", ")}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  );
}
