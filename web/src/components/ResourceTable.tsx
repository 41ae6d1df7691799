import { ActionIcon, Box, Checkbox, Group, Loader, Menu, Text, UnstyledButton } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp, IconColumns3 } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useFollow } from "./follow";
import type { ListState } from "./listState";
import classes from "./ResourceTable.module.css";
import { TableRow, type Column, type RowProps } from "./TableRow";

export type { Column };

const ROW_PIXELS = 42;
// Rows that are drawn before somebody scrolls to them.
const OVERSCAN = 3;
// Rows that are left when more are asked for.
const ROWS_AHEAD = 12;
// As the style sheet has it: what fits is drawn at once, without a look at the frame before.
const highest = (): number => Math.max(320, window.innerHeight - 240);

export interface ResourceTableProps<T> {
  /** What the choice of columns is remembered under. */
  name: string;
  /** Kept by `useMemo` where there may be many rows: other columns draw them all anew. */
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
  const { columns, rows, idOf, state, bulkActions } = props;
  const { t } = useTranslation();
  const [hidden, setHidden] = useLocalStorage<string[]>({
    key: `columns-${props.name}`, defaultValue: columns.filter((column) => column.isExtra).map((column) => column.key),
    getInitialValueInEffect: false,
  });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  // Rows are drawn anew only where these, or their own row, are others.
  const shown = useMemo(() => columns.filter((column, index) => index === 0 || !hidden.includes(column.key)), [columns, hidden]);
  const isSelectable = bulkActions !== undefined;
  const grid = useMemo(() => {
    const tracks = [...(isSelectable ? ["40px"] : []), ...shown.map((column) => column.width)];
    // Every row is a grid of its own: they are equally wide because none is narrower than what all tracks need.
    return { gridTemplateColumns: tracks.join(" "), minWidth: tracks.reduce((sum, track) => sum + Number(/\d+/.exec(track)?.[0] ?? 0), 0) };
  }, [isSelectable, shown]);
  // Other conditions, other rows: one begins at the top.
  const conditions = JSON.stringify([state.keyword, state.statuses, state.sortBy, state.sortOrder]);
  const chosen = selected.size === 0 ? [] : rows.filter((row) => selected.has(idOf(row)));
  const clear = (): void => { setSelected(new Set()); };
  const choose = useCallback((id: string, on: boolean): void => {
    setSelected((before) => {
      const next = new Set(before);
      if (on) next.add(id); else next.delete(id);
      return next;
    });
  }, []);

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
      <Frame {...props} columns={shown} grid={grid} selected={selected} choose={isSelectable ? choose : null} restart={conditions}>
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
      </Frame>
      {rows.length === 0 && state.hasConditions && <Text size="sm" c="dimmed" p="sm">{t("nothingFound")}</Text>}
    </Box>
  );
}

type FrameProps<T> = ResourceTableProps<T> & Pick<RowProps<T>, "columns" | "grid" | "choose"> & {
  selected: ReadonlySet<string>;
  /** Whenever it is another one, one is at the top again. */
  restart: string;
  /** What stays in sight above the rows. */
  children: ReactNode;
};

/** What rows scroll in, with those that are in sight. A component of its own: whoever scrolls draws nothing else anew. */
function Frame<T>(props: FrameProps<T>) {
  const { rows, idOf, nameOf, pathOf, hasMore = false, loadMore, columns, grid, selected, choose, restart, children } = props;
  const frame = useRef<HTMLDivElement>(null);
  const follow = useFollow();
  // The React compiler's lint knows that this hook hands out functions that change; nothing here keeps them.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length, getScrollElement: () => frame.current, estimateSize: () => ROW_PIXELS, overscan: OVERSCAN, useFlushSync: false,
    initialRect: { width: 0, height: highest() },
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= rows.length - ROWS_AHEAD) loadMore?.();
  }, [hasMore, last, loadMore, rows.length]);
  useEffect(() => { if (frame.current !== null) frame.current.scrollTop = 0; }, [restart]);
  return (
    <div className={classes.frame} ref={frame} role="table" aria-rowcount={props.total ?? rows.length} aria-label={props.name}>
      {children}
      {/* The keyboard clicks links too. */}
      {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions */}
      <div className={classes.body} role="rowgroup" style={{ height: virtual.getTotalSize() }} onClick={follow}>
        {items.map(({ index, start }) => {
          const row = rows[index];
          if (row === undefined) return null;
          const id = idOf(row);
          return (
            <TableRow
              key={id} id={id} row={row} name={nameOf(row)} path={pathOf(row)} place={index + 2} top={start} columns={columns} grid={grid}
              choose={choose} isSelected={selected.has(id)}
            />
          );
        })}
      </div>
      {hasMore && <Group justify="center" p="xs"><Loader size="xs" /></Group>}
    </div>
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
