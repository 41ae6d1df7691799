import { useQuery } from "@tanstack/react-query";

import { rootsQuery, objectsQuery, placeOf, uriOf, type Place } from "@/lib/storage";

import type { Wanted } from "./StorageBrowser";

const MOST = 50;

export interface Completion {
  uri: string;
  name: string;
  isFolder: boolean;
}

/** How a path could go on: containers first, then what lies in the folder that was typed so far. */
export function usePathCompletions(text: string, wants: Wanted, isWanted: boolean): Completion[] {
  const place = placeOf(text);
  const isFolderDone = text.endsWith("/");
  // What stands after the last slash is a name that is still being typed.
  const folder: Place | null = place === null || isFolderDone ? place
    : place.parts.length > 0 ? { ...place, parts: place.parts.slice(0, -1) } : place.kind === "nas" ? place : null;
  const typed = place === null || isFolderDone ? "" : folder === null ? place.root : place.parts.at(-1) ?? "";
  const isNas = text.startsWith("nas:");
  const roots = useQuery({ ...rootsQuery(), enabled: isWanted && folder === null });
  const objects = useQuery({ ...objectsQuery(folder === null ? "" : uriOf(folder)), enabled: isWanted && folder !== null, retry: false });
  const found: Completion[] = folder === null
    ? (roots.data ?? []).filter(({ kind }) => isNas === (kind === "nas")).map((root) => ({ uri: uriOf(root).replace(/\/?$/, "/"), name: root.root, isFolder: true }))
    : (objects.data ?? []).filter((entry) => entry.isDirectory || wants !== "folder").map((entry) => ({
      uri: uriOf({ ...folder, parts: [...folder.parts, entry.name] }) + (entry.isDirectory ? "/" : ""), name: entry.name, isFolder: entry.isDirectory,
    }));
  const low = typed.toLowerCase();
  return found.filter(({ name }) => name.toLowerCase().startsWith(low)).slice(0, MOST);
}
