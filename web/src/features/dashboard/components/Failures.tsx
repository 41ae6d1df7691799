import { Group, ScrollArea, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useKindName } from "@/components/kindName";
import { Panel } from "@/components/Panel";
import { ResourceLink } from "@/components/ResourceLink";
import { StatusBadge } from "@/components/StatusBadge";
import { Ago } from "@/components/Time";
import type { FailureView } from "@/lib/api/generated/types.gen";
import { reasonText, type Cause } from "@/lib/reasons";

/** What failed last, why, and where to look. */
export function Failures({ failures }: { failures: readonly FailureView[] | undefined }) {
  const { t } = useTranslation("dashboard");
  const kindName = useKindName();
  return (
    <Panel title={t("recentFailures")}>
      {failures?.length === 0 && <Text size="sm" c="dimmed">{t("noFailures")}</Text>}
      <ScrollArea.Autosize mah={230} type="auto">
        <Stack gap="xs">
          {failures?.map(({ kind, resourceId, name, statusCode, datetime, reasonCode, message, parent }) => (
            <div key={resourceId}>
              <Group gap="xs" justify="space-between" wrap="nowrap">
                <Group gap="xs" wrap="nowrap" miw={0}>
                  <StatusBadge status={statusCode} />
                  <Text size="sm" truncate><ResourceLink kind={kind} id={resourceId} name={name} parentId={parent?.resourceId} /></Text>
                  <Text size="xs" c="dimmed" visibleFrom="sm" style={{ whiteSpace: "nowrap" }}>{kindName(kind)}</Text>
                </Group>
                <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}><Ago at={datetime} /></Text>
              </Group>
              {message !== null && <Why code={reasonCode} message={message} />}
            </div>
          ))}
        </Stack>
      </ScrollArea.Autosize>
    </Panel>
  );
}

function Why(cause: Cause) {
  const text = reasonText(cause);
  return <Text size="xs" c="dimmed" lineClamp={1} title={text}>{text}</Text>;
}
