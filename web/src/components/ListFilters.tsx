import { Button, Group, MultiSelect, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { statusName } from "@/lib/statuses";

import type { ListState } from "./listState";

const TYPING_MS = 200;

/** The conditions of a list: part of a name or beginning of an id, statuses, and what the page adds. */
export function ListFilters({ state, statuses = [], children }: { state: ListState; statuses?: readonly string[]; children?: ReactNode }) {
  const { t } = useTranslation();
  const [text, setText] = useState(state.keyword);
  const say = useDebouncedCallback(state.setKeyword, TYPING_MS);
  // Cleared from elsewhere; what somebody types is ahead of the address and stays as it is.
  // eslint-disable-next-line react-hooks/set-state-in-effect
  useEffect(() => { if (state.keyword === "") setText(""); }, [state.keyword]);
  return (
    <Group gap="xs" mb="sm">
      <TextInput
        size="xs" w={240} type="search" placeholder={t("search")} aria-label={t("search")} leftSection={<IconSearch size={14} />}
        value={text} onChange={(event) => { setText(event.currentTarget.value); say(event.currentTarget.value); }}
      />
      {statuses.length > 0 && (
        <MultiSelect
          size="xs" miw={200} maw={420} clearable placeholder={state.statuses.length === 0 ? t("status") : undefined} aria-label={t("status")}
          data={statuses.map((status) => ({ value: status, label: statusName(status) }))} value={state.statuses} onChange={state.setStatuses}
        />
      )}
      {children}
      {state.hasConditions && <Button size="xs" variant="subtle" onClick={state.clear}>{t("clearFilters")}</Button>}
    </Group>
  );
}
