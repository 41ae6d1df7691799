import { Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { CopyBlock } from "@/components/CopyText";
import { PageHeader } from "@/components/PageHeader";
import { Panel } from "@/components/Panel";
import { ShortcutList } from "@/components/ShortcutList";
import { Appliance } from "@/features/settings/components/Appliance";
import { Dangers } from "@/features/settings/components/Dangers";
import { Page } from "@/features/settings/components/Page";
import { environmentLines } from "@/features/settings/environment";
import { useSystem } from "@/lib/machine";

/** What the appliance is, how the page looks, what programs need, and what can be ended. */
export default function SettingsPage() {
  const { t } = useTranslation("settings");
  const { data: system } = useSystem();
  return (
    <>
      <PageHeader title={t("settings", { ns: "shell" })} />
      <Stack gap="sm">
        {system !== undefined && <Appliance system={system} />}
        <Page />
        {system !== undefined && (
          <Panel title={t("sdk")}>
            <Text size="sm" c="dimmed" mb="xs">{t("sdkText")}</Text>
            <CopyBlock text={'eval "$(easymaker-local env)"'} />
            <Text size="sm" c="dimmed" my="xs">{t("sdkLong")}</Text>
            <CopyBlock text={environmentLines(system)} />
          </Panel>
        )}
        <Panel title={t("shortcuts", { ns: "shell" })}><ShortcutList /></Panel>
        <Dangers />
      </Stack>
    </>
  );
}
