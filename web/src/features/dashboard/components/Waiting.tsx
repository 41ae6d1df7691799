import { Anchor, Group, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { Panel } from "@/components/Panel";
import { ResourceLink } from "@/components/ResourceLink";
import { Span } from "@/components/Time";
import { paths } from "@/lib/paths";
import { useQueue } from "@/lib/queue";
import { reasonText } from "@/lib/reasons";

const MOST = 3;

/** What waits first, and why. */
export function Waiting() {
  const { t } = useTranslation("dashboard");
  const { data } = useQueue(MOST);
  return (
    <Panel title={t("queue", { ns: "shell" })} aside={<Anchor component={Link} to={paths.queue} size="xs">{t("wholeQueue")}</Anchor>}>
      {data?.waitingCount === 0 && <Text size="sm" c="dimmed">{data.runningList.length === 0 ? t("queueIdle") : t("queueEmpty", { ns: "shell" })}</Text>}
      <Stack gap="xs">
        {data?.waitingList.map(({ position, kind, id, name, reason, sinceDatetime }) => (
          <div key={id}>
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Text size="sm" truncate>{position}. <ResourceLink kind={kind} id={id} name={name} /></Text>
              <Text size="xs" c="dimmed"><Span since={sinceDatetime} /></Text>
            </Group>
            {reason !== null && <Text size="xs" c="dimmed" lineClamp={2} title={reasonText(reason)}>{reasonText(reason)}</Text>}
          </div>
        ))}
        {data !== undefined && data.waitingCount > MOST && <Text size="xs" c="dimmed">{t("moreWait", { count: data.waitingCount - MOST })}</Text>}
      </Stack>
    </Panel>
  );
}
