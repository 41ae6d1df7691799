import { Box, Group, Stack, Text } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { QueryKey } from "@/lib/kinds";
import { LogFeed, type ReadLog } from "@/lib/logFeed";
import { LogText } from "@/lib/logText";

import { ErrorView } from "./ErrorView";
import { LogLines, type Aim } from "./log/LogLines";
import { patternOf, useLogSearch } from "./log/logSearch";
import { LogToolbar } from "./log/LogToolbar";

export interface LogViewerProps {
  /** Which log this is; another key is another log, read from its begin. */
  queryKey: QueryKey;
  read: ReadLog;
  /** Where the log comes as server-sent events; without it, it is asked for by `read` again and again. */
  streamUrl?: string;
  /** Where all of it can be had as a file. */
  downloadUrl?: string;
  /** Choices that belong to it, such as the node; they stand before its own. */
  children?: ReactNode;
}

/** A log as it is written: follows its end, searches, and shows the first error. A million lines are no different from ten. */
export function LogViewer(props: LogViewerProps) {
  return <OneLog {...props} key={JSON.stringify(props.queryKey)} />;
}

function OneLog({ read, streamUrl, downloadUrl, children }: LogViewerProps) {
  const { t } = useTranslation("logViewer");
  // Not in the query cache: a log only grows, and is far too long to be copied at each line.
  const [text] = useState(() => new LogText());
  const [feed] = useState(() => new LogFeed(text, read, streamUrl ?? null));
  useEffect(() => feed.start(), [feed]);
  const version = useSyncExternalStore(text.subscribe, () => text.version);
  const state = useSyncExternalStore(feed.subscribe, () => feed.state);
  const error = useSyncExternalStore(feed.subscribe, () => feed.error);

  const [isWrapped, setWrapped] = useLocalStorage({ key: "log-wrap", defaultValue: true, getInitialValueInEffect: false });
  const [isFollowing, setFollowing] = useState(true);
  const [query, setQuery] = useState("");
  const [hit, setHit] = useState<number | null>(null);
  const [aim, setAim] = useState<Aim | null>(null);
  const searchField = useRef<HTMLInputElement>(null);
  const { lines: hits, isSearching } = useLogSearch(text, query);
  const pattern = useMemo(() => patternOf(query), [query]);

  const show = (line: number): void => {
    setFollowing(false);
    setAim({ line });
  };
  const step = (by: 1 | -1): void => {
    if (hits.length === 0) return;
    const next = hit === null ? (by === 1 ? 0 : hits.length - 1) : (hit + by + hits.length) % hits.length;
    setHit(next);
    show(hits[next] ?? 0);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key.toLowerCase() !== "f" || !(event.ctrlKey || event.metaKey)) return;
    // The browser's own search would find only the lines that are drawn.
    event.preventDefault();
    searchField.current?.focus();
  };
  const isEmpty = text.lineCount === 0;

  return (
    <Box onKeyDown={onKeyDown}>
      <Stack gap="xs">
        <LogToolbar
          query={query} setQuery={(value) => { setQuery(value); setHit(null); }} searchRef={searchField} hit={hit} hits={hits.length}
          isSearching={isSearching} step={step} isWrapped={isWrapped} setWrapped={setWrapped} firstError={text.firstError}
          toFirstError={() => { show(text.firstError ?? 0); }} isFollowing={isFollowing} follow={() => { setAim(null); setFollowing(true); }}
          downloadUrl={downloadUrl}
        >
          {children}
        </LogToolbar>
        {error !== null && <ErrorView error={error} retry={feed.retry} />}
        {isEmpty
          ? <Text c="dimmed" py="xl" ta="center">{state === "loading" ? t("loading", { ns: "common" }) : state === "complete" ? t("empty") : t("emptyYet")}</Text>
          : <LogLines text={text} version={version} isWrapped={isWrapped} isFollowing={isFollowing} onFollow={setFollowing} pattern={pattern} aim={aim} />}
        <Group gap="xs"><Text size="xs" c="dimmed">{t("count", { count: text.lineCount, shown: text.lineCount.toLocaleString() })} · {t(state)}</Text></Group>
      </Stack>
    </Box>
  );
}
