import type { DiskEntryView } from "@/lib/api/generated/types.gen";

export interface DiskKind {
  kind: string;
  bytes: number;
  entries: DiskEntryView[];
}

/** Entries by their kind, in the order in which the daemon tells them. */
export function byKind(entries: readonly DiskEntryView[]): DiskKind[] {
  const kinds = new Map<string, DiskKind>();
  for (const entry of entries) {
    const kind = kinds.get(entry.kind) ?? { kind: entry.kind, bytes: 0, entries: [] };
    kind.bytes += entry.bytes;
    kind.entries.push(entry);
    kinds.set(entry.kind, kind);
  }
  return [...kinds.values()];
}
