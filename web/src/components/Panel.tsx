import { Group, Paper, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A part of a page with a name. */
export function Panel({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <Paper withBorder p="sm" component="section" aria-label={title} h="100%">
      <Group justify="space-between" mb="xs" gap="xs" mih={28}>
        <Title order={2} size="h6">{title}</Title>
        {aside}
      </Group>
      {children}
    </Paper>
  );
}
