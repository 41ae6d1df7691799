import { Breadcrumbs, Anchor, Group, Stack, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { Link } from "react-router";

/** The head of every page: where one is, what it is called, what can be done. */
export function PageHeader({ title, trail = [], aside, actions }: {
  title: string;
  trail?: readonly { label: string; to: string }[];
  aside?: ReactNode;
  actions?: ReactNode;
}) {
  useDocumentTitle(`${title} · easymaker-local`);
  return (
    <Stack gap={4} mb="md">
      {trail.length > 0 && (
        <Breadcrumbs separator="›">
          {trail.map(({ label, to }) => <Anchor component={Link} to={to} size="sm" key={to}>{label}</Anchor>)}
        </Breadcrumbs>
      )}
      <Group justify="space-between" align="center" gap="sm">
        <Group gap="sm" miw={0}>
          <Title order={1} size="h3">{title}</Title>
          {aside !== undefined && <div role="status">{aside}</div>}
        </Group>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
    </Stack>
  );
}
