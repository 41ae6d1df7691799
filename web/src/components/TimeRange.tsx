import { Button, Group, Popover, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconCalendarTime } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { exactTime } from "@/lib/time";

import { SPANS, type SpanName, type TimeRangeState } from "./timeRangeState";

const MINUTE_MS = 60_000;
const SPANS_OF_CHARTS: readonly SpanName[] = ["15m", "1h", "6h", "24h"];

/** A time as a browser's own field wants it: local, without a zone. */
function localText(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
}

/** Chooses what time is shown. `withAll`: whether there is a beginning to go back to; `withOpenEnds`: whether one end is enough. */
export function TimeRange({ state, spans = SPANS_OF_CHARTS, withAll = true, withOpenEnds = false }: {
  state: TimeRangeState;
  spans?: readonly SpanName[];
  withAll?: boolean;
  withOpenEnds?: boolean;
}) {
  const { t } = useTranslation("monitoring");
  const names = [...spans, ...(withAll ? ["all" as const] : [])];
  return (
    <Group gap="xs">
      <SegmentedControl
        size="xs" aria-label={t("range")} value={state.name} data={names.map((name) => ({ value: name, label: t(`range_${name}`) }))}
        onChange={(name) => { state.choose(name as (typeof names)[number]); }}
      />
      <OwnRange state={state} withOpenEnds={withOpenEnds} key={`${state.from ?? ""} ${state.to ?? ""}`} />
    </Group>
  );
}

function OwnRange({ state, withOpenEnds }: { state: TimeRangeState; withOpenEnds: boolean }) {
  const { t, i18n } = useTranslation("monitoring");
  const [isOpen, popover] = useDisclosure();
  const [[from, to], setEnds] = useState<[string, string]>(() => ends(state, withOpenEnds));
  const isBackwards = from !== "" && to !== "" && from >= to;
  const isWrong = isBackwards || (withOpenEnds ? from === "" && to === "" : from === "" || to === "");
  const shown = (at: string): string => exactTime(at, i18n.language);
  const label = state.from === null ? (state.to === null ? t("range_own") : t("rangeUntil", { at: shown(state.to) }))
    : state.to === null ? t("rangeSince", { at: shown(state.from) }) : `${shown(state.from)} – ${shown(state.to)}`;
  const show = (): void => {
    popover.close();
    state.chooseOwn(from === "" ? null : new Date(from).toISOString(), to === "" ? null : new Date(to).toISOString());
  };
  return (
    <Popover opened={isOpen} onChange={(open) => { if (!open) popover.close(); }} position="bottom-end" trapFocus shadow="md">
      <Popover.Target>
        <Button size="xs" variant={state.name === "own" ? "light" : "default"} leftSection={<IconCalendarTime size={14} />} onClick={popover.toggle} aria-expanded={isOpen}>{label}</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          <TextInput type="datetime-local" size="xs" label={t("from")} value={from} onChange={(event) => { setEnds([event.currentTarget.value, to]); }} />
          <TextInput
            type="datetime-local" size="xs" label={t("to")} value={to} onChange={(event) => { setEnds([from, event.currentTarget.value]); }}
            error={isBackwards ? t("rangeWrong") : isWrong ? t(withOpenEnds ? "oneEnd" : "bothEnds") : null}
          />
          <Text size="xs" c="dimmed">{t("zone", { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}</Text>
          <Button size="xs" disabled={isWrong} onClick={show}>{t("show")}</Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

/** What the fields begin with: the range that is shown, else the last hour. */
function ends({ name, from, to }: TimeRangeState, withOpenEnds: boolean): [string, string] {
  const local = (at: string | null): string => (at === null ? "" : localText(new Date(at)));
  if (withOpenEnds && name === "own") return [local(from), local(to)];
  const end = to === null ? new Date() : new Date(to);
  return [from === null ? localText(new Date(end.getTime() - SPANS["1h"] * 1000)) : local(from), localText(end)];
}
