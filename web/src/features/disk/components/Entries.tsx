import { Accordion, Badge, Group, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { CopyText } from "@/components/CopyText";
import type { DiskEntryView } from "@/lib/api/generated/types.gen";
import { bytes } from "@/lib/format";

import { byKind } from "../kinds";

// The largest of each kind; whoever looks for more has the command line.
const MOST = 100;

/** What takes the disk, kind by kind, largest first. */
export function Entries({ entries }: { entries: readonly DiskEntryView[] }) {
  const { t } = useTranslation("disk");
  const kinds = byKind(entries);
  return (
    <Accordion multiple variant="separated" defaultValue={kinds.filter(({ entries: own }) => own.length <= 8).map(({ kind }) => kind)}>
      {kinds.map(({ kind, bytes: size, entries: own }) => (
        <Accordion.Item value={kind} key={kind}>
          <Accordion.Control>
            <Group justify="space-between" pr="sm"><Text size="sm" fw={600}>{t(`kinds.${kind as "BUCKET"}`)} <Text span size="sm" c="dimmed">({own.length})</Text></Text><Text size="sm">{bytes(size)}</Text></Group>
          </Accordion.Control>
          <Accordion.Panel>
            <Table.ScrollContainer type="native" minWidth={480}>
              <Table verticalSpacing={4}>
                <Table.Tbody>
                  {own.slice(0, MOST).map((entry) => (
                    <Table.Tr key={entry.place}>
                      <Table.Td>
                        <Text size="sm">{entry.name}</Text>
                        {entry.reclaimableReason !== null && <Badge size="xs" radius="sm" variant="light" color="orange" tt="none">{entry.reclaimableReason}</Badge>}
                      </Table.Td>
                      <Table.Td><CopyText text={entry.place} /></Table.Td>
                      <Table.Td ta="right" w={110}>{bytes(entry.bytes)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
            {own.length > MOST && <Text size="xs" c="dimmed">{t("more", { count: own.length - MOST })}</Text>}
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}
