import { Button, Group, Popover, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconCalendarTime } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { exactTime } from "@/lib/time";

import { SPANS, type TimeRangeState } from "./timeRangeState";

const MINUTE_MS = 60_000;

/** A time as a browser's own field wants it: local, without a zone. */
function localText(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
}

/** Chooses what time charts show. `withAll`: whether there is a beginning to go back to. */
export function TimeRange({ state, withAll = true }: { state: TimeRangeState; withAll?: boolean }) {
  const { t } = useTranslation("monitoring");
  const names = [...(Object.keys(SPANS) as (keyof typeof SPANS)[]), ...(withAll ? ["all" as const] : [])];
  return (
    <Group gap="xs">
      <SegmentedControl
        size="xs" aria-label={t("range")} value={state.name} data={names.map((name) => ({ value: name, label: t(`range_${name}`) }))}
        onChange={(name) => { state.choose(name as (typeof names)[number]); }}
      />
      <OwnRange state={state} key={`${state.from ?? ""} ${state.to ?? ""}`} />
    </Group>
  );
}

function OwnRange({ state }: { state: TimeRangeState }) {
  const { t, i18n } = useTranslation("monitoring");
  const [isOpen, popover] = useDisclosure();
  const [[from, to], setEnds] = useState<[string, string]>(() => ends(state));
  const isWrong = from === "" || to === "" || from >= to;
  const label = state.from === null || state.to === null ? t("range_own") : `${exactTime(state.from, i18n.language)} – ${exactTime(state.to, i18n.language)}`;
  return (
    <Popover opened={isOpen} onChange={(open) => { if (!open) popover.close(); }} position="bottom-end" trapFocus shadow="md">
      <Popover.Target>
        <Button size="xs" variant={state.name === "own" ? "light" : "default"} leftSection={<IconCalendarTime size={14} />} onClick={popover.toggle} aria-expanded={isOpen}>{label}</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          <TextInput type="datetime-local" size="xs" label={t("from")} value={from} onChange={(event) => { setEnds([event.currentTarget.value, to]); }} />
          <TextInput type="datetime-local" size="xs" label={t("to")} value={to} onChange={(event) => { setEnds([from, event.currentTarget.value]); }} error={isWrong ? t("rangeWrong") : null} />
          <Text size="xs" c="dimmed">{t("zone", { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}</Text>
          <Button
            size="xs" disabled={isWrong}
            onClick={() => { popover.close(); state.chooseOwn(new Date(from).toISOString(), new Date(to).toISOString()); }}
          >
            {t("show")}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function ends({ from, to }: TimeRangeState): [string, string] {
  const end = to === null ? new Date() : new Date(to);
  return [localText(from === null ? new Date(end.getTime() - SPANS["1h"] * 1000) : new Date(from)), localText(end)];
}
