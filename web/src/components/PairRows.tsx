import { ActionIcon, Button, Group, Stack, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

export interface Pair {
  name: string;
  value: string;
}

/** Rows of a name and a value: tags, parameters. Errors are by the place of the row. */
export function PairRows({ rows, onChange, maximum, nameLabel, valueLabel, addLabel, errorOf, isSecret }: {
  rows: readonly Pair[];
  onChange: (rows: Pair[]) => void;
  maximum: number;
  nameLabel: string;
  valueLabel: string;
  addLabel: string;
  errorOf?: (index: number, part: keyof Pair) => ReactNode;
  /** True for a row whose value nobody shall read over the shoulder. */
  isSecret?: (row: Pair) => boolean;
}) {
  const { t } = useTranslation();
  const set = (index: number, change: Partial<Pair>): void => { onChange(rows.map((row, place) => (place === index ? { ...row, ...change } : row))); };
  return (
    <Stack gap={6}>
      {rows.map((row, index) => (
        // Rows have no identity but their place.
        <Group gap="xs" key={index} align="flex-start" wrap="nowrap">
          <TextInput
            flex={1} miw={0} size="sm" aria-label={`${nameLabel} ${String(index + 1)}`} placeholder={nameLabel} value={row.name} error={errorOf?.(index, "name")}
            onChange={(event) => { set(index, { name: event.currentTarget.value }); }}
          />
          <TextInput
            flex={1} miw={0} size="sm" aria-label={`${valueLabel} ${String(index + 1)}`} placeholder={valueLabel} value={row.value} error={errorOf?.(index, "value")}
            type={isSecret?.(row) === true ? "password" : "text"} autoComplete="off" onChange={(event) => { set(index, { value: event.currentTarget.value }); }}
          />
          <ActionIcon variant="subtle" color="gray" size={36} aria-label={`${t("delete")}: ${row.name || String(index + 1)}`} onClick={() => { onChange(rows.filter((_, place) => place !== index)); }}>
            <IconX size={16} />
          </ActionIcon>
        </Group>
      ))}
      {rows.length < maximum && (
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} style={{ alignSelf: "flex-start" }} onClick={() => { onChange([...rows, { name: "", value: "" }]); }}>
          {addLabel}
        </Button>
      )}
    </Stack>
  );
}
