import { Anchor, Breadcrumbs, Button, Group, Modal, NavLink, ScrollArea, Stack, Text, TextInput } from "@mantine/core";
import { IconDatabase, IconFile, IconFolder, IconSearch, IconServer } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { bytes } from "@/lib/format";
import { below, rootsQuery, objectsQuery, placeOf, uriOf, type Place } from "@/lib/storage";

export type Wanted = "folder" | "file" | "any";

interface Line {
  name: string;
  icon: ReactNode;
  aside?: string;
  isDisabled?: boolean;
  open: () => void;
}

/** Chooses a folder or file from what lies in storage. */
export function StorageBrowser({ start, wants, onChoose, onClose }: {
  start: string;
  wants: Wanted;
  onChoose: (uri: string) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation("storage");
  const [place, setPlace] = useState<Place | null>(() => placeOf(start));
  const [filter, setFilter] = useState("");
  const roots = useQuery({ ...rootsQuery(), enabled: place === null });
  const objects = useQuery({ ...objectsQuery(place === null ? "" : uriOf(place)), enabled: place !== null, retry: false });
  const { error, isPending } = place === null ? roots : objects;
  const go = (next: Place | null): void => { setPlace(next); setFilter(""); };
  const lines: Line[] = place === null
    ? (roots.data ?? []).map((root) => ({
      name: root.root, icon: root.kind === "obs" ? <IconDatabase size={16} aria-hidden /> : <IconServer size={16} aria-hidden />,
      aside: root.kind === "nas" ? "NAS" : undefined, open: () => { go(root); },
    }))
    : (objects.data ?? []).map((entry) => entry.isDirectory
      ? { name: entry.name, icon: <IconFolder size={16} aria-hidden />, open: () => { go(below(place, entry.name)); } }
      : {
        name: entry.name, icon: <IconFile size={16} aria-hidden />, aside: bytes(entry.size), isDisabled: wants === "folder",
        open: () => { onChoose(uriOf(below(place, entry.name))); },
      });
  const shown = lines.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()));
  const trail = place === null ? [] : [place.root, ...place.parts];

  return (
    <Modal opened onClose={onClose} title={wants === "folder" ? t("chooseFolder") : wants === "file" ? t("chooseFile") : t("choosePlace")} size="lg">
      <Stack gap="sm">
        <Breadcrumbs separator="›">
          <Anchor component="button" type="button" size="sm" onClick={() => { go(null); }}>{t("containers")}</Anchor>
          {place !== null && trail.map((name, depth) => (
            <Anchor component="button" type="button" size="sm" key={trail.slice(0, depth + 1).join("/")} onClick={() => { go({ ...place, parts: place.parts.slice(0, depth) }); }}>
              {name}
            </Anchor>
          ))}
        </Breadcrumbs>
        <TextInput
          size="xs" type="search" data-autofocus aria-label={t("filterNames")} placeholder={t("filterNames")} leftSection={<IconSearch size={14} />}
          value={filter} onChange={(event) => { setFilter(event.currentTarget.value); }}
        />
        {error ? <ErrorView error={error} /> : (
          <ScrollArea h={320} type="auto">
            {shown.map(({ name, icon, aside, isDisabled, open }) => (
              <NavLink
                component="button" type="button" key={name} label={name} leftSection={icon} py={4} disabled={isDisabled} aria-disabled={isDisabled} onClick={isDisabled === true ? undefined : open}
                rightSection={aside === undefined ? undefined : <Text size="xs" c="dimmed">{aside}</Text>}
              />
            ))}
            {shown.length === 0 && <Text size="sm" c="dimmed" p="sm">{isPending ? t("loading", { ns: "common" }) : place === null ? t("noContainers") : t("emptyFolder")}</Text>}
          </ScrollArea>
        )}
        <Group justify="space-between">
          <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>{place === null ? "" : uriOf(place)}</Text>
          {wants !== "file" && place !== null && <Button size="xs" onClick={() => { onChoose(uriOf(place)); }}>{t("chooseThisFolder")}</Button>}
        </Group>
      </Stack>
    </Modal>
  );
}
