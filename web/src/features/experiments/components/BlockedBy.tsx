import { Alert, Anchor, Group, List } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { StatusBadge } from "@/components/StatusBadge";
import { pathOf } from "@/lib/paths";

import type { Blocking } from "../api/listBlocking";

/** What has not ended in an experiment, and so blocks its deletion (EX-08). */
export function BlockedBy({ blocking }: { blocking: readonly Blocking[] }) {
  const { t } = useTranslation("experiments");
  if (blocking.length === 0) return null;
  return (
    <Alert color="gray" title={t("blockedBy", { count: blocking.length })}>
      <List size="sm" spacing={4} listStyleType="none">
        {blocking.map((one) => (
          <List.Item key={one.id}>
            <Group gap="xs">
              <Anchor component={Link} to={pathOf(one.kind, one.id) ?? ""} size="sm">{one.name}</Anchor>
              <StatusBadge status={one.status} />
            </Group>
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
