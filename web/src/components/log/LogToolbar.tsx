import { ActionIcon, Button, Group, Switch, Text, TextInput, Tooltip } from "@mantine/core";
import { IconAlertTriangle, IconArrowBarToDown, IconArrowDown, IconArrowUp, IconDownload, IconSearch } from "@tabler/icons-react";
import type { KeyboardEvent, ReactNode, Ref } from "react";
import { useTranslation } from "react-i18next";

/** What can be done with a log. */
export function LogToolbar({ query, setQuery, searchRef, hit, hits, isSearching, step, isWrapped, setWrapped, firstError, toFirstError, isFollowing, follow, downloadUrl, children }: {
  query: string;
  setQuery: (query: string) => void;
  searchRef: Ref<HTMLInputElement>;
  /** Which of the hits is shown, from 0 on; null: none yet. */
  hit: number | null;
  hits: number;
  isSearching: boolean;
  step: (by: 1 | -1) => void;
  isWrapped: boolean;
  setWrapped: (isWrapped: boolean) => void;
  firstError: number | null;
  toFirstError: () => void;
  isFollowing: boolean;
  /** Goes to the end and stays there; null: the log is complete, there is nothing to follow. */
  follow: () => void;
  downloadUrl?: string;
  /** Which log this is, where there are several. */
  children?: ReactNode;
}) {
  const { t } = useTranslation("logViewer");
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    step(event.shiftKey ? -1 : 1);
  };
  const found = query === "" ? "" : hits === 0 ? (isSearching ? t("searching") : t("nothing")) : t("hits", { number: hit === null ? "–" : hit + 1, count: hits });
  return (
    <Group gap="xs">
      {children}
      <TextInput
        size="xs" w={220} type="search" ref={searchRef} value={query} onChange={(event) => { setQuery(event.currentTarget.value); }} onKeyDown={onKeyDown}
        placeholder={t("search")} aria-label={t("search")} leftSection={<IconSearch size={14} />}
      />
      {query !== "" && (
        <Group gap={4} wrap="nowrap">
          <ActionIcon variant="default" size="md" aria-label={t("previous")} title={t("previous")} disabled={hits === 0} onClick={() => { step(-1); }}><IconArrowUp size={14} /></ActionIcon>
          <ActionIcon variant="default" size="md" aria-label={t("next")} title={t("next")} disabled={hits === 0} onClick={() => { step(1); }}><IconArrowDown size={14} /></ActionIcon>
          <Text size="xs" c="dimmed" role="status">{found}</Text>
        </Group>
      )}
      <Tooltip label={firstError === null ? t("noError") : t("firstErrorLine", { line: firstError + 1 })} events={{ hover: true, focus: true, touch: true }}>
        <Button
          size="xs" variant="default" leftSection={<IconAlertTriangle size={14} />} aria-disabled={firstError === null} data-disabled={firstError === null || undefined}
          onClick={() => { if (firstError !== null) toFirstError(); }}
        >
          {t("firstError")}
        </Button>
      </Tooltip>
      <Switch size="xs" label={t("wrap")} checked={isWrapped} onChange={(event) => { setWrapped(event.currentTarget.checked); }} />
      <Group gap="xs" ml="auto">
        {!isFollowing && <Button size="xs" variant="light" leftSection={<IconArrowBarToDown size={14} />} onClick={follow}>{t("follow")}</Button>}
        {downloadUrl !== undefined && <Button size="xs" variant="default" component="a" href={downloadUrl} download leftSection={<IconDownload size={14} />}>{t("download", { ns: "common" })}</Button>}
      </Group>
    </Group>
  );
}
