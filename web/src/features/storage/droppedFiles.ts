/** Files with their paths, from a chooser or from what was dropped, whole folders included. */
export interface Picked {
  file: File;
  path: string;
}

/** Of an input; one that chooses folders tells the path of each file. */
export const pickedFiles = (files: Iterable<File>): Picked[] =>
  [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

async function within(entry: FileSystemEntry): Promise<Picked[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => { (entry as FileSystemFileEntry).file(resolve, reject); });
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Picked[] = [];
  // A reader gives some entries at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (some.length === 0) return found;
    for (const each of some) found.push(...await within(each));
  }
}

/** Of a drop. The entries must be taken at once: afterwards the browser forgets them. */
export async function droppedFiles(data: DataTransfer): Promise<Picked[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const files = [...data.files];
  if (entries.length === 0) return pickedFiles(files);
  return (await Promise.all(entries.map(within))).flat();
}
