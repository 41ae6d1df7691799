/** One resource, as its own page shows it. */
import { useQuery, useQueryClient, type QueryClient, type UseQueryOptions } from "@tanstack/react-query";

import { idField, type Kind } from "@/lib/kinds";

import type { Pages } from "./listState";

/** Asks for a resource; until the daemon's answer is there it is what a list knows of it, so that a page opens at once. */
export function useResource<T extends object>(kind: Kind, id: string, fetch: () => Promise<T>, enabled = true) {
  const client = useQueryClient();
  return useQuery<T>({
    queryKey: [kind, "one", id], queryFn: fetch, enabled, placeholderData: (() => listed<T>(client, kind, id)) as UseQueryOptions<T>["placeholderData"],
  });
}

/** A resource as a list has it, which is as its own page gets it. */
function listed<T extends object>(client: QueryClient, kind: Kind, id: string): T | undefined {
  const field = idField(kind);
  for (const [, data] of client.getQueriesData({ queryKey: [kind, "list"] })) {
    // Choices and counts are kept under the same key, in other forms.
    if (data === null || typeof data !== "object" || !("pages" in data)) continue;
    for (const { rows } of (data as Pages<T>).pages) {
      const row = rows.find((each) => (each as Record<string, unknown>)[field] === id);
      if (row !== undefined) return row;
    }
  }
  return undefined;
}
