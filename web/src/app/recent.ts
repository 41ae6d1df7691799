/** Resources that somebody found lately, newest first, in this browser. */
const KEY = "recent";
const MOST = 6;

export interface Recent {
  kind: string;
  resourceId: string;
  name: string;
  parentId: string | null;
  parentName: string | null;
}

export function readRecent(): Recent[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]") as Recent[];
  } catch {
    return [];
  }
}

export function addRecent({ kind, resourceId, name, parentId, parentName }: Recent): void {
  const others = readRecent().filter((each) => each.resourceId !== resourceId);
  localStorage.setItem(KEY, JSON.stringify([{ kind, resourceId, name, parentId, parentName }, ...others].slice(0, MOST)));
}
