import { Button, Group, Stack, Tabs, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { CopyBlock } from "./CopyText";
import type { RequestWords } from "./CreationForm";

/** A text as a file that the browser keeps. */
export function saveFile(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The settings of a resource as a body that creates the same again, and in the words of CLI and SDK. */
export function Configuration({ body, words, fileName, text }: { body: object; words: RequestWords; fileName: string; text: string }) {
  const { t } = useTranslation();
  const json = JSON.stringify(body, null, 2);
  const ways = [["JSON", json], ["CLI", words.cli], ...(words.sdk === "" ? [] : [["SDK", words.sdk] as const])] as const;
  return (
    <Stack gap="sm" maw={900}>
      <Group justify="space-between">
        <Text size="sm" c="dimmed">{text}</Text>
        <Button size="xs" variant="default" leftSection={<IconDownload size={14} />} onClick={() => { saveFile(fileName, `${json}\n`); }}>{t("download")}</Button>
      </Group>
      <Tabs defaultValue="JSON">
        <Tabs.List>{ways.map(([name]) => <Tabs.Tab value={name} key={name}>{name}</Tabs.Tab>)}</Tabs.List>
        {ways.map(([name, lines]) => <Tabs.Panel value={name} key={name} pt="sm"><CopyBlock text={lines} /></Tabs.Panel>)}
      </Tabs>
    </Stack>
  );
}
