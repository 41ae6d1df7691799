import { ActionIcon, Button, Group, Input, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** What the field of a value gets; it is a text field unless the form says otherwise. */
export interface ValueInputProps {
  "aria-label": string;
  placeholder: string;
  value: string;
  error: ReactNode;
  onChange: (event: { currentTarget: { value: string } }) => void;
}

export interface KeyValuesProps<Key extends string, Value extends string> {
  label: string;
  description?: string;
  /** Rows as the API has them, such as `{ tagKey, tagValue }`. */
  rows: readonly Partial<Record<Key | Value, string>>[];
  onChange: (rows: Record<Key | Value, string>[]) => void;
  /** The API's names of the two parts. */
  names: readonly [Key, Value];
  maximum: number;
  keyLabel: string;
  valueLabel: string;
  addLabel: string;
  /** What a key becomes, where two keys must not become the same; unless given, keys themselves must differ. */
  variableOf?: (key: string) => string;
  /** Fault of a part of a row, or without arguments of all rows together. */
  errorOf?: (index?: number, part?: Key | Value) => ReactNode;
  valueInput?: (props: ValueInputProps) => ReactNode;
}

/** Rows of a name and a value: hyperparameters, data sets, tags. Duplicates are told at once (GN-04, HY-06, TR-27). */
export function KeyValues<Key extends string, Value extends string>({
  label, description, rows, onChange, names: [key, value], maximum, keyLabel, valueLabel, addLabel, variableOf = (text) => text, errorOf, valueInput,
}: KeyValuesProps<Key, Value>) {
  const { t } = useTranslation("pickers");
  const filled = rows.map((row) => ({ [key]: row[key] ?? "", [value]: row[value] ?? "" }) as Record<Key | Value, string>);
  const set = (index: number, part: Key | Value, text: string): void => {
    onChange(filled.map((row, place) => (place === index ? { ...row, [part]: text } : row)));
  };
  const variables = filled.map((row) => variableOf(row[key]));
  const duplicate = (index: number): string | null => {
    const first = variables.indexOf(variables[index] ?? "");
    if (first === index || filled[index]?.[key] === "") return null;
    const other = String(filled[first]?.[key]);
    return other === filled[index]?.[key] ? t("duplicate") : t("sameVariable", { other, variable: variables[index] ?? "" });
  };
  const whole = errorOf?.();
  return (
    <Input.Wrapper label={label} description={description} labelElement="div" error={whole}>
      <Stack gap={6} mt={4} role="group" aria-label={label}>
        {filled.map((row, index) => {
          const number = String(index + 1);
          const props: ValueInputProps = {
            "aria-label": `${valueLabel} ${number}`, placeholder: valueLabel, value: row[value], error: errorOf?.(index, value),
            onChange: (event) => { set(index, value, event.currentTarget.value); },
          };
          return (
            // A row has no identity but its place.
            <Group key={index} gap={6} align="flex-start" wrap="nowrap">
              <TextInput
                flex={1} miw={0} aria-label={`${keyLabel} ${number}`} placeholder={keyLabel} value={row[key]} error={duplicate(index) ?? errorOf?.(index, key)}
                onChange={(event) => { set(index, key, event.currentTarget.value); }} autoComplete="off" spellCheck={false}
              />
              <Stack flex={2} miw={0} gap={0}>{valueInput === undefined ? <TextInput {...props} autoComplete="off" /> : valueInput(props)}</Stack>
              <ActionIcon
                variant="subtle" color="gray" size={36} aria-label={t("removeRow", { name: row[key] === "" ? number : row[key] })}
                onClick={() => { onChange(filled.filter((_, place) => place !== index)); }}
              >
                <IconTrash size={16} />
              </ActionIcon>
            </Group>
          );
        })}
        <Group gap="sm">
          <Button
            size="xs" variant="default" leftSection={<IconPlus size={14} />} disabled={rows.length >= maximum}
            onClick={() => { onChange([...filled, { [key]: "", [value]: "" } as Record<Key | Value, string>]); }}
          >
            {addLabel}
          </Button>
          {rows.length > 0 && <Text size="xs" c="dimmed">{t("rowsOf", { count: rows.length, maximum })}</Text>}
        </Group>
      </Stack>
    </Input.Wrapper>
  );
}
