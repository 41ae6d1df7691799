import { memo, type CSSProperties, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import classes from "./ResourceTable.module.css";

export interface Column<T> {
  key: string;
  label: string;
  /** A track of a CSS grid that begins with its least width, such as `minmax(140px, 2fr)`. */
  width: string;
  /** A link is a plain `a`: the table follows it. */
  cell: (row: T) => ReactNode;
  /** The API's `sortBy`, where it sorts by this. */
  sortBy?: string;
  /** Not shown until somebody chooses it. */
  isExtra?: boolean;
}

export interface RowProps<T> {
  id: string;
  row: T;
  name: string;
  path: string;
  /** Counted from the head, which is 1. */
  place: number;
  /** Pixels from the first row. */
  top: number;
  columns: readonly Column<T>[];
  grid: CSSProperties;
  /** Null: it cannot be selected. */
  choose: ((id: string, on: boolean) => void) | null;
  isSelected: boolean;
}

// Rows are drawn by the dozen while somebody waits: they are made of plain elements, which take a tenth of the time.
// The function's own type, because `memo` does not keep what it is generic in.
export const TableRow = memo(OneRow) as typeof OneRow;

function OneRow<T>({ id, row, name, path, place, top, columns, grid, choose, isSelected }: RowProps<T>) {
  const { t } = useTranslation();
  return (
    <div className={classes.row} role="row" aria-rowindex={place} style={{ ...grid, transform: `translateY(${String(top)}px)` }}>
      {choose !== null && (
        <div className={classes.cell} role="cell">
          <input type="checkbox" className={classes.check} checked={isSelected} aria-label={t("selectRow", { name })} onChange={(event) => { choose(id, event.currentTarget.checked); }} />
        </div>
      )}
      {columns.map((column, index) => (
        <div className={classes.cell} role="cell" key={column.key}>
          {index === 0 ? <a className={classes.link} href={path} title={name}>{column.cell(row)}</a> : column.cell(row)}
        </div>
      ))}
    </div>
  );
}
