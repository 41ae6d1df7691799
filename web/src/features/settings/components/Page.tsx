import { Group, Input, SegmentedControl, Select, useMantineColorScheme, type MantineColorScheme } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { Panel } from "@/components/Panel";
import { changeLanguage, LANGUAGES, type Language } from "@/lib/i18n";

/** How this browser shows the page. */
export function Page() {
  const { t, i18n } = useTranslation("settings");
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Panel title={t("page")}>
      <Group gap="lg">
        <Select
          w={180} label={t("language", { ns: "shell" })} allowDeselect={false} value={i18n.language}
          data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))} onChange={(value) => { void changeLanguage(value as Language); }}
        />
        <Input.Wrapper label={t("appearance", { ns: "shell" })} labelElement="div">
          <SegmentedControl
            display="flex" aria-label={t("appearance", { ns: "shell" })} value={colorScheme} onChange={(value) => { setColorScheme(value as MantineColorScheme); }}
            data={[{ value: "auto", label: t("system", { ns: "shell" }) }, { value: "light", label: t("light", { ns: "shell" }) }, { value: "dark", label: t("dark", { ns: "shell" }) }]}
          />
        </Input.Wrapper>
      </Group>
    </Panel>
  );
}
