import { Group, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useKindName } from "@/components/kindName";
import { Panel } from "@/components/Panel";
import { ResourceLink } from "@/components/ResourceLink";
import { Span } from "@/components/Time";
import type { WaitingView } from "@/lib/api/generated/types.gen";
import { mebibytes, vcpus } from "@/lib/format";
import { reasonText } from "@/lib/reasons";

/** What waits: its place, what it wants, why it has to wait, and for whom. */
export function Waiting({ waiting, count }: { waiting: readonly WaitingView[]; count: number }) {
  const { t } = useTranslation("queue");
  const kindName = useKindName();
  return (
    <Panel title={t("waiting", { count })}>
      {count === 0 ? <Text size="sm" c="dimmed">{t("nothingWaits")}</Text> : (
        <Table.ScrollContainer type="native" minWidth={760}>
          <Table verticalSpacing={6} highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th w={60}>{t("place")}</Table.Th><Table.Th miw={150}>{t("name", { ns: "common" })}</Table.Th><Table.Th>{t("wants")}</Table.Th>
                <Table.Th>{t("reason", { ns: "common" })}</Table.Th><Table.Th miw={140}>{t("heldBy")}</Table.Th><Table.Th w={90}>{t("since")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {waiting.map((each) => (
                <Table.Tr key={each.id}>
                  <Table.Td>{each.position}</Table.Td>
                  <Table.Td><Text size="sm"><ResourceLink kind={each.kind} id={each.id} name={each.name} /></Text><Text size="xs" c="dimmed">{kindName(each.kind)}</Text></Table.Td>
                  <Table.Td>
                    <Text size="sm">{vcpus(each.vcpus)}, {mebibytes(each.memoryMib)}{each.gpuCount > 0 && `, ${t("gpus", { count: each.gpuCount })} ${each.gpuModel ?? ""}`}</Text>
                    {each.instanceCount > 1 && <Text size="xs" c="dimmed">{t("nodes", { count: each.instanceCount })}</Text>}
                  </Table.Td>
                  <Table.Td><Text size="sm">{each.reason === null ? "–" : reasonText(each.reason)}</Text></Table.Td>
                  <Table.Td>
                    <Group gap="xs">{each.heldByList.map((holder) => <Text size="sm" key={holder.id}><ResourceLink {...holder} /></Text>)}{each.heldByList.length === 0 && "–"}</Group>
                  </Table.Td>
                  <Table.Td><Span since={each.sinceDatetime} /></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {count > waiting.length && <Text size="sm" c="dimmed">{t("more", { count: count - waiting.length })}</Text>}
        </Table.ScrollContainer>
      )}
    </Panel>
  );
}
