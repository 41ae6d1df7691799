import { Button, Group, Switch, TextInput } from "@mantine/core";
import { IconHelp, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { TimeRange } from "@/components/TimeRange";
import type { SpanName, TimeRangeState } from "@/components/timeRangeState";

const SPANS: readonly SpanName[] = ["15m", "1h", "24h", "7d"];

/** What is looked for, in which time, and whether what arrives is shown as it comes. */
export function QueryBar({ query, range, fault, isFollowing, onSearch, onFollow, onHelp }: {
  query: string;
  range: TimeRangeState;
  fault: string | null;
  isFollowing: boolean;
  onSearch: (query: string) => void;
  onFollow: (isOn: boolean) => void;
  onHelp: () => void;
}) {
  const { t } = useTranslation("logs");
  const [text, setText] = useState(query);
  return (
    <form onSubmit={(event) => { event.preventDefault(); onSearch(text); }}>
      <Group gap="xs" align="flex-start" mb="xs" wrap="nowrap">
        <TextInput
          flex={1} miw={0} aria-label={t("query")} placeholder={'category:"easymaker.training" AND loss'} leftSection={<IconSearch size={16} />} ff="monospace" spellCheck={false}
          value={text} error={fault} onChange={(event) => { setText(event.currentTarget.value); }}
        />
        <Button type="submit">{t("search", { ns: "common" })}</Button>
        <Button variant="default" leftSection={<IconHelp size={16} />} onClick={onHelp} visibleFrom="xs">{t("help")}</Button>
      </Group>
      <Group gap="md" mb="sm">
        <TimeRange state={range} spans={SPANS} withOpenEnds />
        <Switch size="sm" label={t("follow")} checked={isFollowing} disabled={!range.isMoving} onChange={(event) => { onFollow(event.currentTarget.checked); }} />
        <Button hiddenFrom="xs" size="xs" variant="subtle" onClick={onHelp}>{t("help")}</Button>
      </Group>
    </form>
  );
}
