import { Group, Kbd, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { CREATE, GO } from "@/lib/shortcuts";

const Keys = ({ keys, label }: { keys: readonly string[]; label: string }) => (
  <Group justify="space-between" wrap="nowrap">
    <Text size="sm">{label}</Text>
    <Group gap={4} wrap="nowrap">{keys.map((key) => <Kbd key={key}>{key}</Kbd>)}</Group>
  </Group>
);

/** Every key that does something. */
export function ShortcutList() {
  const { t } = useTranslation("shell");
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl">
      <Stack gap={6}>
        <Title order={3} size="h6">{t("shortcutsGo")}</Title>
        {GO.map(({ keys, label }) => <Keys key={keys} keys={keys.split(" ")} label={t(label)} />)}
      </Stack>
      <Stack gap={6}>
        <Title order={3} size="h6">{t("shortcutsCreate")}</Title>
        {CREATE.map(({ keys, label }) => <Keys key={keys} keys={keys.split(" ")} label={t(label)} />)}
        <Title order={3} size="h6" mt="sm">{t("shortcutsEverywhere")}</Title>
        <Keys keys={["Ctrl", "K"]} label={t("searchAll")} />
        <Keys keys={["/"]} label={t("searchAll")} />
        <Keys keys={["?"]} label={t("shortcuts")} />
      </Stack>
    </SimpleGrid>
  );
}
