import { Table, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** Names and values to read, such as hyperparameters. */
export function NameValueTable({ rows, nameLabel, valueLabel, empty }: {
  rows: readonly (readonly [string, ReactNode])[];
  nameLabel: string;
  valueLabel: string;
  empty: string;
}) {
  if (rows.length === 0) return <Text c="dimmed">{empty}</Text>;
  return (
    <Table maw={760} withTableBorder verticalSpacing="xs">
      <Table.Thead><Table.Tr><Table.Th w="40%">{nameLabel}</Table.Th><Table.Th>{valueLabel}</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {rows.map(([name, value]) => (
          <Table.Tr key={name}><Table.Td>{name}</Table.Td><Table.Td ff="monospace" style={{ overflowWrap: "anywhere" }}>{value}</Table.Td></Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
