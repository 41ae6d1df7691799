import { Group, Text, useMantineColorScheme } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Spotlight } from "@mantine/spotlight";
import { IconLanguage, IconMoonStars, IconPlus, IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { useKindName } from "@/components/kindName";
import { StatusBadge } from "@/components/StatusBadge";
import { payload, PROJECT } from "@/lib/api/client";
import { searchResources } from "@/lib/api/generated/sdk.gen";
import { changeLanguage, LANGUAGES, type Language } from "@/lib/i18n";
import { pathOf } from "@/lib/paths";
import { CREATE, GO } from "@/lib/shortcuts";

import { PLACES } from "./places";
import { addRecent, readRecent, type Recent } from "./recent";

const TYPING_MS = 150;
const MOST = 8;

interface Command {
  label: string;
  icon: ReactNode;
  keys?: string;
  act: () => void;
}

/** Search over resources, pages and commands, by Ctrl+K or `/`. */
export function Search() {
  const { t } = useTranslation("shell");
  const navigate = useNavigate();
  const kindName = useKindName();
  const [query, setQuery] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [wanted] = useDebouncedValue(query.trim(), TYPING_MS);
  const commands = useCommands();
  const found = useQuery({
    queryKey: ["search", wanted], enabled: isOpen && wanted !== "", staleTime: 0, placeholderData: keepPreviousData,
    queryFn: async () => (await payload(searchResources({ path: PROJECT, query: { query: wanted, limit: MOST } }))).searchResultList,
  });
  const low = query.trim().toLowerCase();
  const resources: (Recent & { statusCode?: string | null })[] = low === "" ? (isOpen ? readRecent() : []) : found.data ?? [];
  const pages: Command[] = PLACES.map(({ label, to, icon: Icon }) => ({
    label: t(label), icon: <Icon size={18} stroke={1.5} />, keys: GO.find((each) => each.to === to)?.keys, act: () => { void navigate(to); },
  }));
  const meets = ({ label }: Command): boolean => label.toLowerCase().includes(low);
  const [shownPages, shownCommands] = [pages.filter(meets), commands.filter(meets)];
  const open = (resource: Recent): void => {
    addRecent(resource);
    void navigate(pathOf(resource.kind, resource.resourceId, resource.parentId) ?? "/");
  };

  return (
    <Spotlight.Root
      query={query} onQueryChange={setQuery} shortcut="mod + K" tagsToIgnore={[]} scrollable maxHeight={460}
      onSpotlightOpen={() => { setQuery(""); setOpen(true); }} onSpotlightClose={() => { setOpen(false); }}
    >
      <Spotlight.Search placeholder={t("searchAll")} aria-label={t("searchAll")} leftSection={<IconSearch size={18} />} />
      <Spotlight.ActionsList>
        {resources.length > 0 && (
          <Spotlight.ActionsGroup label={low === "" ? t("searchRecent") : t("searchResources")}>
            {resources.map((resource) => (
              <Spotlight.Action key={resource.resourceId} onClick={() => { open(resource); }}>
                <Group justify="space-between" wrap="nowrap" w="100%">
                  <div>
                    <Text size="sm">{resource.parentName === null ? "" : `${resource.parentName} / `}{resource.name}</Text>
                    <Text size="xs" c="dimmed">{kindName(resource.kind)} · {resource.resourceId.slice(0, 8)}</Text>
                  </div>
                  {resource.statusCode != null && <StatusBadge status={resource.statusCode} />}
                </Group>
              </Spotlight.Action>
            ))}
          </Spotlight.ActionsGroup>
        )}
        {([[t("searchPages"), shownPages], [t("searchCommands"), shownCommands]] as const).map(([label, list]) => list.length > 0 && (
          <Spotlight.ActionsGroup label={label} key={label}>
            {list.map(({ label: name, icon, keys, act }) => (
              <Spotlight.Action key={name} label={name} leftSection={icon} rightSection={keys === undefined ? undefined : <Text size="xs" c="dimmed">{keys}</Text>} onClick={act} />
            ))}
          </Spotlight.ActionsGroup>
        ))}
        {resources.length + shownPages.length + shownCommands.length === 0 && (
          <Spotlight.Empty>{found.isFetching || wanted !== query.trim() ? t("loading", { ns: "common" }) : t("searchNothing")}</Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

/** What can be done from everywhere. */
function useCommands(): Command[] {
  const { t } = useTranslation("shell");
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  const schemes = [["auto", t("system")], ["light", t("light")], ["dark", t("dark")]] as const;
  return [
    ...CREATE.map(({ label, to, keys }) => ({ label: t(label), icon: <IconPlus size={18} stroke={1.5} />, keys, act: () => { void navigate(to); } })),
    ...schemes.map(([scheme, name]) => ({ label: `${t("appearance")}: ${name}`, icon: <IconMoonStars size={18} stroke={1.5} />, act: () => { setColorScheme(scheme); } })),
    ...Object.entries(LANGUAGES).map(([language, name]) => ({
      label: `${t("language")}: ${name}`, icon: <IconLanguage size={18} stroke={1.5} />, act: () => { void changeLanguage(language as Language); },
    })),
  ];
}
