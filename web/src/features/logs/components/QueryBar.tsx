import { Button, Group, SegmentedControl, Switch, TextInput } from "@mantine/core";
import { IconHelp, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { BACK, type Back } from "../range";

/** What is looked for, in which time, and whether what arrives is shown as it comes. */
export function QueryBar({ query, back, fault, isFollowing, onSearch, onBack, onFollow, onHelp }: {
  query: string;
  back: Back | null;
  fault: string | null;
  isFollowing: boolean;
  onSearch: (query: string) => void;
  onBack: (back: Back | null) => void;
  onFollow: (isOn: boolean) => void;
  onHelp: () => void;
}) {
  const { t } = useTranslation("logs");
  const [text, setText] = useState(query);
  const spans = [{ value: "all", label: t("allTime") }, ...Object.keys(BACK).map((value) => ({ value, label: t(`back.${value as Back}`) }))];
  return (
    <form onSubmit={(event) => { event.preventDefault(); onSearch(text); }}>
      <Group gap="xs" align="flex-start" mb="xs" wrap="nowrap">
        <TextInput
          flex={1} miw={0} aria-label={t("query")} placeholder={'category:"easymaker.training" AND loss'} leftSection={<IconSearch size={16} />} ff="monospace" spellCheck={false}
          value={text} error={fault} onChange={(event) => { setText(event.currentTarget.value); }}
        />
        <Button type="submit">{t("search", { ns: "common" })}</Button>
        <Button variant="default" leftSection={<IconHelp size={16} />} onClick={onHelp} visibleFrom="xs">{t("help")}</Button>
      </Group>
      <Group gap="md" mb="sm">
        <SegmentedControl size="xs" aria-label={t("range")} data={spans} value={back ?? "all"} onChange={(value) => { onBack(value === "all" ? null : value as Back); }} />
        <Switch size="sm" label={t("follow")} checked={isFollowing} onChange={(event) => { onFollow(event.currentTarget.checked); }} />
        <Button hiddenFrom="xs" size="xs" variant="subtle" onClick={onHelp}>{t("help")}</Button>
      </Group>
    </form>
  );
}
