import { ActionIcon, Box, Checkbox, Group, Loader, Menu, Text, UnstyledButton } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp, IconColumns3 } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { ListState } from "./listState";
import classes from "./ResourceTable.module.css";

const ROW_PIXELS = 42;
// Rows that are there before somebody scrolls to them.
const OVERSCAN = 12;

export interface Column<T> {
  key: string;
  label: string;
  /** A track of a CSS grid that begins with its least width, such as `minmax(140px, 2fr)`. */
  width: string;
  cell: (row: T) => ReactNode;
  /** The API's `sortBy`, where it sorts by this. */
  sortBy?: string;
  /** Not shown until somebody chooses it. */
  isExtra?: boolean;
}

export interface ResourceTableProps<T> {
  /** What the choice of columns is remembered under. */
  name: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  idOf: (row: T) => string;
  nameOf: (row: T) => string;
  /** Where a row leads; its first column is the link. */
  pathOf: (row: T) => string;
  state: ListState;
  total?: number | null;
  hasMore?: boolean;
  loadMore?: () => void;
  /** What can be done with the rows that are selected; without it nothing can be selected. */
  bulkActions?: (rows: readonly T[], clear: () => void) => ReactNode;
}

/** A list of resources: virtual rows, columns to choose, sorting by the server, selection. Thousands of rows are drawn as dozens. */
export function ResourceTable<T>(props: ResourceTableProps<T>) {
  const { columns, rows, idOf, nameOf, pathOf, state, hasMore = false, loadMore, bulkActions } = props;
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const [hidden, setHidden] = useLocalStorage<string[]>({
    key: `columns-${props.name}`, defaultValue: columns.filter((column) => column.isExtra).map((column) => column.key),
    getInitialValueInEffect: false,
  });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const shown = columns.filter((column, index) => index === 0 || !hidden.includes(column.key));
  const tracks = [...(bulkActions ? ["40px"] : []), ...shown.map((column) => column.width)];
  // Every row is a grid of its own: they are equally wide because none is narrower than what all tracks need.
  const grid = { gridTemplateColumns: tracks.join(" "), minWidth: tracks.reduce((sum, track) => sum + Number(/\d+/.exec(track)?.[0] ?? 0), 0) };
  // The React compiler's lint knows that this hook hands out functions that change; nothing here keeps them.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length, getScrollElement: () => frame.current, estimateSize: () => ROW_PIXELS, overscan: OVERSCAN,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= rows.length - OVERSCAN) loadMore?.();
  }, [hasMore, last, loadMore, rows.length]);

  const chosen = rows.filter((row) => selected.has(idOf(row)));
  const clear = (): void => { setSelected(new Set()); };
  const choose = (id: string, on: boolean): void => {
    const next = new Set(selected);
    if (on) next.add(id); else next.delete(id);
    setSelected(next);
  };

  return (
    <Box>
      <Group justify="space-between" mb={4} mih={32}>
        {chosen.length > 0 && bulkActions ? (
          <Group gap="xs"><Text size="sm">{t("selected", { count: chosen.length })}</Text>{bulkActions(chosen, clear)}</Group>
        ) : <Text size="sm" c="dimmed">{t("rows", { count: props.total ?? rows.length })}</Text>}
        <Menu closeOnItemClick={false} position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={t("columns")} title={t("columns")}><IconColumns3 size={18} /></ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {columns.slice(1).map(({ key, label }) => (
              <Menu.CheckboxItem
                key={key} checked={!hidden.includes(key)}
                onChange={() => { setHidden(hidden.includes(key) ? hidden.filter((each) => each !== key) : [...hidden, key]); }}
              >
                {label}
              </Menu.CheckboxItem>
            ))}
          </Menu.Dropdown>
        </Menu>
      </Group>
      <div className={classes.frame} ref={frame} role="table" aria-rowcount={props.total ?? rows.length} aria-label={props.name}>
        <div className={classes.head} role="row" style={grid}>
          {bulkActions && (
            <div className={classes.cell} role="columnheader">
              <Checkbox
                size="xs" aria-label={t("selectAll")} checked={rows.length > 0 && chosen.length === rows.length}
                indeterminate={chosen.length > 0 && chosen.length < rows.length}
                onChange={(event) => { setSelected(new Set(event.currentTarget.checked ? rows.map(idOf) : [])); }}
              />
            </div>
          )}
          {shown.map((column) => <Head key={column.key} column={column} state={state} />)}
        </div>
        <div className={classes.body} role="rowgroup" style={{ height: virtual.getTotalSize() }}>
          {items.map(({ index, start }) => {
            const row = rows[index];
            if (row === undefined) return null;
            const id = idOf(row);
            return (
              <div className={classes.row} role="row" key={id} aria-rowindex={index + 2} style={{ ...grid, transform: `translateY(${String(start)}px)` }}>
                {bulkActions && (
                  <div className={classes.cell} role="cell">
                    <Checkbox size="xs" checked={selected.has(id)} aria-label={t("selectRow", { name: nameOf(row) })} onChange={(event) => { choose(id, event.currentTarget.checked); }} />
                  </div>
                )}
                {shown.map((column, place) => (
                  <div className={classes.cell} role="cell" key={column.key}>
                    {place === 0 ? <Link className={classes.link} to={pathOf(row)} title={nameOf(row)}>{column.cell(row)}</Link> : column.cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
        {hasMore && <Group justify="center" p="xs"><Loader size="xs" /></Group>}
      </div>
      {rows.length === 0 && state.hasConditions && <Text size="sm" c="dimmed" p="sm">{t("nothingFound")}</Text>}
    </Box>
  );
}

function Head<T>({ column, state }: { column: Column<T>; state: ListState }) {
  const { t } = useTranslation();
  const { sortBy, sortOrder, sort } = state;
  const isSorted = column.sortBy !== undefined && column.sortBy === sortBy;
  const arrow = sortOrder === "ASC" ? <IconArrowUp size={12} aria-hidden /> : <IconArrowDown size={12} aria-hidden />;
  const order = sortOrder === "ASC" ? "ascending" : "descending";
  return (
    <div className={classes.cell} role="columnheader" aria-sort={isSorted ? order : undefined}>
      {column.sortBy === undefined ? column.label : (
        <UnstyledButton fz="xs" fw={600} onClick={() => { sort(column.sortBy ?? ""); }} title={t("sortBy", { column: column.label })}>
          <Group gap={4} wrap="nowrap">{column.label}{isSorted && arrow}</Group>
        </UnstyledButton>
      )}
    </div>
  );
}
