import { Button, Code, Drawer, Group, ScrollArea, Stack, Text } from "@mantine/core";
import { IconDownload, IconTrash } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { CopyText } from "@/components/CopyText";
import { ErrorView } from "@/components/ErrorView";
import { bytes } from "@/lib/format";
import { contentUrl } from "@/lib/storage";

import { useContent } from "../api/readObject";

const IMAGE = /\.(png|jpe?g|gif|webp|bmp|svg)$/i;
const MOST_TEXT = 1 << 20;
const MOST_IMAGE = 20 << 20;

export interface FileToShow {
  name: string;
  uri: string;
  size: number;
}

/** A file: its address, to download or delete, and what is in it if that is a small text or picture. */
export function Preview({ file, onClose, onDelete }: { file: FileToShow; onClose: () => void; onDelete: () => void }) {
  const { t } = useTranslation("storage");
  const isImage = IMAGE.test(file.name);
  const isSmall = file.size <= (isImage ? MOST_IMAGE : MOST_TEXT);
  const { data, error } = useContent(file.uri, isSmall);
  return (
    <Drawer opened onClose={onClose} position="right" size="xl" title={<Text fw={600} style={{ overflowWrap: "anywhere" }}>{file.name}</Text>}>
      <Stack>
        <CopyText text={file.uri} />
        <Group gap="xs">
          <Button component="a" href={contentUrl(file.uri)} download={file.name} size="xs" variant="default" leftSection={<IconDownload size={14} />}>
            {t("download", { ns: "common" })} ({bytes(file.size)})
          </Button>
          <Button size="xs" variant="default" leftSection={<IconTrash size={14} />} onClick={onDelete}>{t("delete", { ns: "common" })}</Button>
        </Group>
        {!isSmall && <Text size="sm" c="dimmed">{t("tooLarge", { size: bytes(isImage ? MOST_IMAGE : MOST_TEXT) })}</Text>}
        {error && <ErrorView error={error} />}
        {data !== undefined && (isImage ? <Picture content={data} name={file.name} /> : <Writing content={data} name={file.name} />)}
      </Stack>
    </Drawer>
  );
}

function Picture({ content, name }: { content: Blob; name: string }) {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    // A picture of vectors is only shown as what it says it is; scripts in it do not run in an image.
    const made = URL.createObjectURL(name.toLowerCase().endsWith(".svg") ? new Blob([content], { type: "image/svg+xml" }) : content);
    // eslint-disable-next-line react-hooks/set-state-in-effect -- The address is a resource of the browser, which the same effect gives back.
    setUrl(made);
    return () => { URL.revokeObjectURL(made); };
  }, [content, name]);
  return url === null ? null : <img src={url} alt={name} style={{ maxWidth: "100%", objectFit: "contain" }} />;
}

function Writing({ content, name }: { content: Blob; name: string }) {
  const { t } = useTranslation("storage");
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    let isWanted = true;
    void content.text().then((read) => { if (isWanted) setText(read); });
    return () => { isWanted = false; };
  }, [content]);
  if (text === null) return null;
  if (text.includes("\0")) return <Text size="sm" c="dimmed">{t("noText")}</Text>;
  return <ScrollArea.Autosize mah="70vh" type="auto" viewportProps={{ tabIndex: 0 }}><Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{name.endsWith(".json") ? indented(text) : text}</Code></ScrollArea.Autosize>;
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
