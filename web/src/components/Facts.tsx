import { SimpleGrid, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** Names and values of a resource; what is not there is a dash. */
export function Facts({ facts, cols = 3 }: { facts: readonly (readonly [string, ReactNode])[]; cols?: number }) {
  return (
    <SimpleGrid component="dl" cols={{ base: 1, sm: 2, lg: cols }} spacing="md" verticalSpacing="md" m={0}>
      {facts.map(([name, value]) => (
        <Stack gap={2} key={name} miw={0}>
          <Text component="dt" size="xs" c="dimmed">{name}</Text>
          <Text component="dd" size="sm" m={0} style={{ overflowWrap: "anywhere" }}>{value ?? "–"}</Text>
        </Stack>
      ))}
    </SimpleGrid>
  );
}
