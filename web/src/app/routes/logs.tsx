import { Button, Group, Paper, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { EmptyState } from "@/components/EmptyState";
import { ErrorView } from "@/components/ErrorView";
import { PageHeader } from "@/components/PageHeader";
import { Pending } from "@/components/Pending";
import { useTimeRange } from "@/components/timeRangeState";
import { useFollow } from "@/features/logs/api/followLogs";
import { useLogSearch, type LogConditions } from "@/features/logs/api/searchLogs";
import { Entry } from "@/features/logs/components/Entry";
import { QueryBar } from "@/features/logs/components/QueryBar";
import { QueryHelp } from "@/features/logs/components/QueryHelp";
import { ApiError } from "@/lib/api/client";

/** Search over the log store; query, time and following are in the address (LG-02). */
export default function LogsPage() {
  const { t } = useTranslation("logs");
  const [params, setParams] = useSearchParams();
  const [isHelpOpen, help] = useDisclosure();
  const query = params.get("query") ?? "";
  const range = useTimeRange("all");
  // Nothing arrives in a time that has ended.
  const isFollowing = params.get("follow") === "1" && range.isMoving;
  const conditions: LogConditions = { query, range: { name: range.name, from: range.from, to: range.to } };
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useLogSearch(conditions);
  const followError = useFollow(conditions, isFollowing && data !== undefined);
  const set = (name: string, value: string | null): void => {
    setParams((now) => {
      if (value === null || value === "") now.delete(name); else now.set(name, value);
      return now;
    });
  };
  const fault = error instanceof ApiError ? error.fields.find(({ field }) => field === "query")?.message ?? null : null;
  const entries = data?.pages.flatMap((page) => page.logList) ?? [];
  const narrow = (field: string, value: string): void => { set("query", [query, `${field}:"${value.replace(/["\\]/g, "\\$&")}"`].filter(Boolean).join(" AND ")); };

  return (
    <>
      <PageHeader title={t("logs", { ns: "shell" })} />
      <QueryBar
        key={query} query={query} range={range} fault={fault} isFollowing={isFollowing} onHelp={help.toggle}
        onSearch={(text) => { if (text === query) void refetch(); else set("query", text); }}
        onFollow={(isOn) => { set("follow", isOn ? "1" : null); }}
      />
      {isHelpOpen && <QueryHelp onTake={(text) => { set("query", text); }} />}
      {error && fault === null && <ErrorView error={error} retry={() => { void refetch(); }} />}
      {followError && <ErrorView error={followError} />}
      {isPending && <Pending />}
      {data !== undefined && entries.length === 0 && (query === "" && range.name === "all"
        ? <EmptyState title={t("emptyTitle")} text={t("emptyText")} cli={'easymaker-local logs send --level WARNING "the data set is old"'} />
        : <Text size="sm" c="dimmed">{t("nothingFound", { ns: "common" })}</Text>)}
      {entries.length > 0 && (
        <Paper withBorder role="list" aria-label={t("entries")} aria-live={isFollowing ? "polite" : undefined}>
          {entries.map((entry) => <Entry key={entry.logId} entry={entry} onNarrow={narrow} />)}
        </Paper>
      )}
      {hasNextPage && <Group justify="center" mt="sm"><Button size="xs" variant="default" loading={isFetchingNextPage} onClick={() => { void fetchNextPage(); }}>{t("older")}</Button></Group>}
    </>
  );
}
