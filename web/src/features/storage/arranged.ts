import type { ListState } from "@/components/listState";
import type { ObjectView } from "@/lib/api/generated/types.gen";

/** A list's state where nothing has a date of creation: sorted by name until somebody wants another order. */
export const byName = (state: ListState): ListState =>
  state.sortBy === "createdDatetime" ? { ...state, sortBy: "name", sortOrder: "ASC", sort: (by) => { state.sort(by); } } : state;

/** The entries of a folder whose names have the keyword, folders first, in the order that was asked for. */
export function arranged(entries: readonly ObjectView[], { keyword, sortBy, sortOrder }: ListState): ObjectView[] {
  const low = keyword.toLowerCase();
  const way = sortOrder === "ASC" ? 1 : -1;
  const compare = (a: ObjectView, b: ObjectView): number => {
    if (sortBy === "size" && a.size !== b.size) return a.size - b.size;
    if (sortBy === "modified") return a.modifiedDatetime.localeCompare(b.modifiedDatetime);
    return a.name.localeCompare(b.name, undefined, { numeric: true });
  };
  return entries.filter(({ name }) => name.toLowerCase().includes(low))
    .sort((a, b) => Number(b.isDirectory) - Number(a.isDirectory) || way * compare(a, b));
}
