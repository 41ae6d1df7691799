import { Badge, Group, Paper, Table, Text, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { nodeName } from "@/components/monitoring/measures";
import { ResourceLink } from "@/components/ResourceLink";
import type { CurrentView, SampleView } from "@/lib/api/generated/types.gen";
import { useCurrentUse } from "@/lib/currentUse";
import { bytes, percent, vcpus } from "@/lib/format";

type Sum = number | null;
const sum = (...parts: Sum[]): Sum => parts.reduce((whole, part) => (part === null ? whole : (whole ?? 0) + part), null);

interface Measured {
  key: "cpu" | "memory" | "gpu" | "gpuMemory" | "diskTotal" | "networkTotal" | "processes";
  of: (sample: SampleView) => Sum;
  text: (value: number) => string;
}

const MEASURES: readonly Measured[] = [
  { key: "cpu", of: (sample) => sample.cpu, text: vcpus },
  { key: "memory", of: (sample) => sample.memoryBytes, text: bytes },
  { key: "gpu", of: (sample) => sample.gpu, text: percent },
  { key: "gpuMemory", of: (sample) => sample.gpuMemoryBytes, text: bytes },
  { key: "diskTotal", of: (sample) => sum(sample.diskReadBytesPerSecond, sample.diskWrittenBytesPerSecond), text: (value) => `${bytes(value)}/s` },
  { key: "networkTotal", of: (sample) => sum(sample.networkReceivedBytesPerSecond, sample.networkSentBytesPerSecond), text: (value) => `${bytes(value)}/s` },
  { key: "processes", of: (sample) => sample.processes, text: String },
];

/** What runs now with what it uses, the greediest first (GN-19); sorted by what somebody looks for. */
export function RunningTable() {
  const { t } = useTranslation("monitoring");
  const { uses, error } = useCurrentUse();
  const [{ by, isAscending }, setOrder] = useState<{ by: Measured["key"]; isAscending: boolean }>({ by: "cpu", isAscending: false });
  const measure = MEASURES.find(({ key }) => key === by) ?? MEASURES[0];
  const rows = useMemo(() => {
    const value = (row: CurrentView): number => measure?.of(row.sample) ?? -1;
    return (uses ?? []).filter(({ kind }) => kind !== "machine").sort((a, b) => (isAscending ? 1 : -1) * (value(a) - value(b)));
  }, [uses, measure, isAscending]);
  if (error !== null) return <ErrorView error={error} />;
  if (rows.length === 0) return <Paper withBorder p="md"><Text fw={500}>{t("nothingRuns")}</Text><Text size="sm" c="dimmed">{t("nothingRunsText")}</Text></Paper>;
  return (
    <Paper withBorder>
      <Table.ScrollContainer minWidth={860}>
        <Table verticalSpacing="xs" highlightOnHover aria-label={t("runsNow")}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th fz="xs">{t("resource")}</Table.Th>
              {MEASURES.map(({ key }) => (
                <Table.Th key={key} aria-sort={key === by ? (isAscending ? "ascending" : "descending") : undefined}>
                  <UnstyledButton fz="xs" fw={600} onClick={() => { setOrder({ by: key, isAscending: key === by && !isAscending }); }} title={t("sortBy", { ns: "common", column: t(key) })}>
                    <Group gap={4} wrap="nowrap">{t(key)}{key === by && (isAscending ? <IconArrowUp size={12} aria-hidden /> : <IconArrowDown size={12} aria-hidden />)}</Group>
                  </UnstyledButton>
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={`${row.kind} ${row.resourceId} ${row.member}`}>
                <Table.Td><Name row={row} /></Table.Td>
                {MEASURES.map(({ key, of, text }) => { const value = of(row.sample); return <Table.Td key={key} style={{ whiteSpace: "nowrap" }}>{value === null ? "–" : text(value)}</Table.Td>; })}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}

function Name({ row }: { row: CurrentView }) {
  const { t } = useTranslation("monitoring");
  const kind = row.kind === "training" || row.kind === "stage" || row.kind === "pod" ? t(`kind_${row.kind}`) : t("kind_other");
  return (
    <Group gap="xs" wrap="nowrap">
      <Badge variant="default" size="sm" radius="sm" tt="none">{kind}</Badge>
      <Text size="sm"><ResourceLink kind={row.kind} id={row.resourceId} name={row.name ?? row.resourceId} /></Text>
      <Text size="xs" c="dimmed">{nodeName(row.member, t)}</Text>
    </Group>
  );
}
