import { Anchor, Group, HoverCard, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useKindName } from "@/components/kindName";
import { Panel } from "@/components/Panel";
import { ResourceLink } from "@/components/ResourceLink";
import type { DashboardView, ResourceUseView } from "@/lib/api/generated/types.gen";
import { percent } from "@/lib/format";

/** What uses most of the CPU and of the GPUs that it has, three each (DB-10). */
export function Utilization({ dashboard }: { dashboard: DashboardView | undefined }) {
  const { t } = useTranslation("dashboard");
  const tops = [[t("byCpu"), dashboard?.topCpuList], [t("byGpu"), dashboard?.topGpuList]] as const;
  return (
    <Panel title={t("utilization")}>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="lg">
        {tops.map(([title, list]) => (
          <Stack gap={6} key={title}>
            <Title order={3} size="xs" c="dimmed" fw={600}>{title}</Title>
            {list?.length === 0 && <Text size="sm" c="dimmed">{t("nothingRuns")}</Text>}
            {list?.map((use) => <Use use={use} key={use.resourceId} />)}
          </Stack>
        ))}
      </SimpleGrid>
    </Panel>
  );
}

function Use({ use }: { use: ResourceUseView }) {
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <HoverCard withArrow position="top-start" openDelay={150}>
          <HoverCard.Target>
            <Anchor component="button" type="button" size="sm" truncate ta="left" c="var(--mantine-color-text)">{use.name}</Anchor>
          </HoverCard.Target>
          <HoverCard.Dropdown><UseDetails use={use} /></HoverCard.Dropdown>
        </HoverCard>
        <Text size="sm">{percent(use.current)}</Text>
      </Group>
      <Progress size="xs" value={Math.min(1, use.current) * 100} aria-label={use.name} />
    </div>
  );
}

/** What is behind a figure (DB-11): its kind and flavor, its use now and at its highest, whose it is. */
function UseDetails({ use: { kind, name, flavorName, current, peak, owner, endpoint } }: { use: ResourceUseView }) {
  const { t } = useTranslation("dashboard");
  const kindName = useKindName();
  return (
    <Stack gap={2}>
      <Text size="sm" fw={600}>{name}</Text>
      <Text size="xs" c="dimmed">{kindName(kind)} · {flavorName}</Text>
      <Text size="xs">{t("useNow")}: {percent(current)}</Text>
      <Text size="xs">{t("usePeak")}: {peak === null ? "–" : percent(peak)}</Text>
      <Text size="xs">
        {kindName(owner.kind)}: <ResourceLink kind={owner.kind} id={owner.resourceId} name={owner.name} parentId={endpoint?.resourceId} />
      </Text>
    </Stack>
  );
}
