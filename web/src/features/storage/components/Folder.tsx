import { Button, Group, Paper, Text, TextInput } from "@mantine/core";
import { IconFile, IconFolder, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { CopyText } from "@/components/CopyText";
import { ErrorView } from "@/components/ErrorView";
import { useListState } from "@/components/listState";
import { ResourceTable, type Column } from "@/components/ResourceTable";
import { Ago } from "@/components/Time";
import type { ObjectView } from "@/lib/api/generated/types.gen";
import { bytes } from "@/lib/format";
import { below, objectsQuery, uriOf, type Place } from "@/lib/storage";
import { paths } from "@/lib/paths";

import { useUploads } from "../api/uploads";
import { arranged, byName } from "../arranged";
import { droppedFiles, type Picked } from "../droppedFiles";
import { useDeletion } from "../useDeletion";
import { Preview } from "./Preview";
import { UploadButtons } from "./UploadButtons";

/** What lies in a folder: sorted, filtered, uploaded to, deleted from; a file opens beside it. */
export function Folder({ place }: { place: Place }) {
  const { t } = useTranslation("storage");
  const uri = uriOf(place);
  const [params, setParams] = useSearchParams();
  const state = byName(useListState());
  const { data, error, refetch } = useQuery({ ...objectsQuery(uri), retry: false });
  const { add } = useUploads();
  const remove = useDeletion();
  const [isOver, setOver] = useState(false);
  const upload = (files: Picked[]): void => { add(files.map(({ file, path }) => ({ file, name: path, uri: uriOf(below(place, path)) }))); };
  const close = (): void => { setParams((now) => { now.delete("file"); return now; }); };
  const whole = ({ name, size, isDirectory }: ObjectView) => ({ uri: uriOf(below(place, name)), name, size, isDirectory });

  if (error) return <ErrorView error={error} retry={() => { void refetch(); }} />;
  const open = data?.find((entry) => !entry.isDirectory && entry.name === params.get("file"));
  const columns: Column<ObjectView>[] = [
    {
      key: "name", label: t("name", { ns: "common" }), width: "minmax(200px, 4fr)", sortBy: "name",
      cell: ({ name, isDirectory }) => <Group gap={6} wrap="nowrap" component="span">{isDirectory ? <IconFolder size={16} aria-label={t("folder")} /> : <IconFile size={16} aria-hidden />}{name}</Group>,
    },
    { key: "size", label: t("size"), width: "110px", sortBy: "size", cell: ({ size, isDirectory }) => isDirectory ? "–" : bytes(size) },
    { key: "modified", label: t("modified"), width: "150px", sortBy: "modified", cell: ({ modifiedDatetime }) => <Ago at={modifiedDatetime} /> },
  ];
  return (
    <div
      onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => { setOver(false); }}
      onDrop={(event) => { event.preventDefault(); setOver(false); void droppedFiles(event.dataTransfer).then(upload); }}
      style={isOver ? { outline: "2px dashed var(--mantine-primary-color-filled)", outlineOffset: 4 } : undefined}
    >
      <Group justify="space-between" mb="sm">
        <Group gap="xs">
          <TextInput
            size="xs" w={220} type="search" aria-label={t("filterNames")} placeholder={t("filterNames")} leftSection={<IconSearch size={14} />}
            value={state.keyword} onChange={(event) => { state.setKeyword(event.currentTarget.value); }}
          />
          <CopyText text={uri} />
        </Group>
        <UploadButtons onPick={upload} />
      </Group>
      {data?.length === 0 && <Paper withBorder p="xl" ta="center"><Text fw={600}>{t("emptyFolder")}</Text><Text size="sm" c="dimmed">{t("dropHere")}</Text></Paper>}
      {data !== undefined && data.length > 0 && (
        <>
          <ResourceTable
            name="storage" columns={columns} rows={arranged(data, state)} state={state} idOf={(row) => row.name} nameOf={(row) => row.name}
            pathOf={(row) => row.isDirectory ? paths.storage(uriOf(below(place, row.name))) : `${paths.storage(uri)}&file=${encodeURIComponent(row.name)}`}
            bulkActions={(rows, clear) => (
              <Button size="compact-xs" color="red" variant="light" onClick={() => { remove(rows.map(whole), clear); }}>{t("delete", { ns: "common" })}</Button>
            )}
          />
          <Text size="xs" c="dimmed" mt="xs">{t("dropHere")}</Text>
        </>
      )}
      {open !== undefined && <Preview file={whole(open)} onClose={close} onDelete={() => { remove([whole(open)], close); }} />}
    </div>
  );
}
