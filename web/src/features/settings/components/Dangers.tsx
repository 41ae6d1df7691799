import { Button, Group, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { useConfirmed } from "@/components/ActionButton";
import { Panel } from "@/components/Panel";

import { replaceToken } from "../api/rotateToken";
import { stopDaemon } from "../api/stopSystem";

/** What ends something: the token with all that it opened, and the daemon. */
export function Dangers() {
  const { t } = useTranslation("settings");
  const confirm = useConfirmed();
  const client = useQueryClient();
  return (
    <Panel title={t("dangers")}>
      <Stack>
        <Group justify="space-between" wrap="nowrap">
          <div><Text size="sm" fw={600}>{t("rotate")}</Text><Text size="sm" c="dimmed">{t("rotateText")}</Text></div>
          <Button
            size="xs" variant="default" style={{ flexShrink: 0 }}
            onClick={() => {
              // The next request finds the session over, and the page says how to sign in again.
              confirm({ title: t("rotate"), text: t("rotateText"), confirm: t("rotate"), isDestructive: true }, async () => { await replaceToken(); void client.invalidateQueries(); });
            }}
          >
            {t("rotate")}
          </Button>
        </Group>
        <Group justify="space-between" wrap="nowrap">
          <div><Text size="sm" fw={600}>{t("stopDaemon")}</Text><Text size="sm" c="dimmed">{t("stopText")}</Text></div>
          <Button
            size="xs" variant="default" color="red" style={{ flexShrink: 0 }}
            onClick={() => { confirm({ title: t("stopDaemon"), text: t("stopText"), confirm: t("stopDaemon"), isDestructive: true }, stopDaemon); }}
          >
            {t("stopDaemon")}
          </Button>
        </Group>
      </Stack>
    </Panel>
  );
}
