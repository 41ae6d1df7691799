import { Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useKindName } from "@/components/kindName";
import { Panel } from "@/components/Panel";
import { ResourceLink } from "@/components/ResourceLink";
import { Span } from "@/components/Time";
import type { HoldingView } from "@/lib/api/generated/types.gen";
import { compact, mebibytes } from "@/lib/format";
import { useMachine } from "@/lib/machine";

/** What runs, and what each of its nodes holds. */
export function Running({ running }: { running: readonly HoldingView[] }) {
  const { t } = useTranslation("queue");
  const kindName = useKindName();
  const gpus = new Map(useMachine().data?.gpuList.map(({ uuid, index }) => [uuid, index]));
  return (
    <Panel title={t("running", { count: running.length })}>
      {running.length === 0 ? <Text size="sm" c="dimmed">{t("nothingRuns")}</Text> : (
        <Table.ScrollContainer type="native" minWidth={620}>
          <Table verticalSpacing={6} highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("name", { ns: "common" })}</Table.Th><Table.Th>{t("node")}</Table.Th><Table.Th>vCPU</Table.Th>
                <Table.Th>{t("memory", { ns: "shell" })}</Table.Th><Table.Th>GPU</Table.Th><Table.Th w={90}>{t("since")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {running.map((each) => (
                <Table.Tr key={`${each.id} ${each.node}`}>
                  <Table.Td>
                    <Text size="sm"><ResourceLink kind={each.kind} id={each.id} name={each.name} /></Text>
                    <Text size="xs" c="dimmed">{kindName(each.kind)}{each.isEnding && ` · ${t("ending")}`}</Text>
                  </Table.Td>
                  <Table.Td>{each.node}</Table.Td>
                  <Table.Td>{compact(each.vcpus)}</Table.Td>
                  <Table.Td>{mebibytes(each.memoryMib)}</Table.Td>
                  <Table.Td>{each.gpuUuidList.length === 0 ? "–" : each.gpuUuidList.map((uuid) => gpus.get(uuid) ?? uuid.slice(0, 12)).join(", ")}</Table.Td>
                  <Table.Td><Span since={each.sinceDatetime} /></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  );
}
