import { ActionIcon, Alert, Button, Group, Paper, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { FormSection } from "@/components/CreationForm";
import type { HyperparameterSpec, HyperparameterType } from "@/lib/api/generated/types.gen";

import { gridSize, valueCount } from "../../gridSize";
import { EMPTY_SPEC, isRange, type TuningFormState } from "../../tuningForm";

const MAXIMUM_SPECS = 100;
const TYPES = ["double", "int", "discrete", "categorical"] as const satisfies readonly HyperparameterType[];

/** What each hyperparameter may be (HP-13…HP-17), and how many combinations a grid of it has (HP-L03). */
export function SearchSpaceFields({ form }: { form: TuningFormState }) {
  const { t } = useTranslation("tunings");
  const { hyperparameterSpecList: specs = [], tuningStrategyName, maxTrialCount } = form.getValues();
  const isGrid = tuningStrategyName === "GRID";
  const size = isGrid ? gridSize(specs) : null;
  const set = (changed: HyperparameterSpec[]): void => { form.setFieldValue("hyperparameterSpecList", changed); };
  return (
    <FormSection title={t("searchSpace")}>
      <Text size="sm" c="dimmed">{t("searchSpaceHint")}</Text>
      {specs.map((spec, place) => (
        // A row has no identity but its place.
        <SpecRow key={place} form={form} spec={spec} place={place} isGrid={isGrid} remove={specs.length > 1 ? () => { set(specs.filter((_, other) => other !== place)); } : null} />
      ))}
      {typeof form.errors.hyperparameterSpecList === "string" && <Text size="sm" c="red">{form.errors.hyperparameterSpecList}</Text>}
      <Group justify="space-between">
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} disabled={specs.length >= MAXIMUM_SPECS} onClick={() => { set([...specs, EMPTY_SPEC]); }}>{t("addHyperparameter")}</Button>
        {isGrid && <Text size="sm" role="status">{size === null ? t("gridUnknown") : t("gridIs", { size: size.toLocaleString() })}</Text>}
      </Group>
      {size !== null && typeof maxTrialCount === "number" && size > BigInt(maxTrialCount) && <Alert color="yellow" variant="light">{t("gridTooLarge", { size: size.toLocaleString(), most: maxTrialCount })}</Alert>}
    </FormSection>
  );
}

function SpecRow({ form, spec, place, isGrid, remove }: { form: TuningFormState; spec: HyperparameterSpec; place: number; isGrid: boolean; remove: (() => void) | null }) {
  const { t } = useTranslation("tunings");
  const field = (name: keyof HyperparameterSpec) => form.getInputProps(`hyperparameterSpecList.${String(place)}.${name}`);
  const count = isGrid ? valueCount(spec) : null;
  const setType = (type: HyperparameterType): void => {
    const changed = { ...spec, hyperparameterTypeCode: type };
    // What belongs to another type would be sent along unseen.
    const cleared = isRange(changed) ? { hyperparameterSpecifiedValues: "" } : { hyperparameterMinValue: "", hyperparameterMaxValue: "", hyperparameterStep: "" };
    form.setFieldValue(`hyperparameterSpecList.${String(place)}`, { ...changed, ...cleared });
  };
  return (
    <Paper withBorder p="xs" role="group" aria-label={t("hyperparameterNumber", { number: place + 1 })}>
      <Stack gap="xs">
        <Group gap="xs" wrap="nowrap" align="flex-start">
          <TextInput flex={2} miw={0} label={t("name", { ns: "common" })} required maxLength={255} autoComplete="off" spellCheck={false} placeholder="lr" {...field("hyperparameterName")} />
          <Select flex={1} miw={150} label={t("type")} allowDeselect={false} data={TYPES.map((type) => ({ value: type, label: type.toUpperCase() }))} value={spec.hyperparameterTypeCode} onChange={(type) => { if (type !== null) setType(type); }} />
          {remove !== null && <ActionIcon variant="subtle" color="gray" size={36} mt={24} aria-label={t("removeHyperparameter", { name: spec.hyperparameterName || String(place + 1) })} onClick={remove}><IconTrash size={16} /></ActionIcon>}
        </Group>
        {isRange(spec) ? (
          <SimpleGrid cols={isGrid ? 3 : 2} spacing="xs">
            <TextInput label={t("smallest")} required inputMode="decimal" {...field("hyperparameterMinValue")} />
            <TextInput label={t("largest")} required inputMode="decimal" {...field("hyperparameterMaxValue")} />
            {isGrid && <TextInput label={t("stepSize")} required inputMode="decimal" {...field("hyperparameterStep")} />}
          </SimpleGrid>
        ) : (
          <TextInput label={t("valuesColumn")} required maxLength={3000} placeholder={spec.hyperparameterTypeCode === "discrete" ? "16, 32, 64" : "sgd, adam"} description={t("valuesHint")} {...field("hyperparameterSpecifiedValues")} />
        )}
        {count !== null && <Text size="xs" c="dimmed">{t("valueCount", { count: Number(count) })}</Text>}
      </Stack>
    </Paper>
  );
}
