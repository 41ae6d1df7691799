import { Paper, Stack, Tabs, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

import { CopyBlock } from "./CopyText";

/** What a page without resources shows: what belongs here, the first step, and the same as CLI and SDK lines. */
export function EmptyState({ title, text, action, cli, sdk }: {
  title: string;
  text: string;
  action?: ReactNode;
  cli?: string;
  sdk?: string;
}) {
  const ways = [["CLI", cli], ["SDK", sdk]].filter((way): way is [string, string] => way[1] !== undefined);
  return (
    <Paper withBorder p="xl" maw={760} mx="auto" mt="xl" w="100%">
      <Stack gap="md" align="flex-start">
        <Title order={2} size="h4">{title}</Title>
        <Text c="dimmed">{text}</Text>
        {action}
        {ways.length > 0 && (
          <Tabs defaultValue={ways[0]?.[0]} w="100%">
            <Tabs.List>{ways.map(([name]) => <Tabs.Tab value={name} key={name}>{name}</Tabs.Tab>)}</Tabs.List>
            {ways.map(([name, lines]) => <Tabs.Panel value={name} key={name} pt="sm"><CopyBlock text={lines} /></Tabs.Panel>)}
          </Tabs>
        )}
      </Stack>
    </Paper>
  );
}
