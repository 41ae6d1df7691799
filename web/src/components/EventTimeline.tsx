import { Stack, Text, Timeline } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { EventView } from "@/lib/api/generated/types.gen";
import type { Kind } from "@/lib/kinds";
import { reasonText } from "@/lib/reasons";
import { moodOf, statusName } from "@/lib/statuses";

import { ErrorView } from "./ErrorView";
import { Pending } from "./Pending";
import { Ago } from "./Time";

const COLORS = { waiting: "gray", working: "blue", good: "teal", rest: "gray", bad: "red" } as const;

/** What happened to a resource, newest first. */
export function EventTimeline({ kind, id, fetch }: { kind: Kind; id: string; fetch: () => Promise<EventView[]> }) {
  const { data, error } = useQuery({ queryKey: [kind, "events", id], queryFn: fetch });
  if (error) return <ErrorView error={error} />;
  if (!data) return <Pending />;
  return (
    <Timeline bulletSize={14} lineWidth={2} active={data.length}>
      {[...data].reverse().map((event) => (
        <Timeline.Item
          key={event.eventId} color={event.statusCode === null ? "gray" : COLORS[moodOf(event.statusCode)]}
          title={event.statusCode === null ? event.type : statusName(event.statusCode)}
        >
          <Stack gap={2}>
            {event.message !== null && <Text size="sm">{reasonText({ code: event.reason?.code ?? null, message: event.message })}</Text>}
            <Text size="xs" c="dimmed"><Ago at={event.datetime} /></Text>
          </Stack>
        </Timeline.Item>
      ))}
    </Timeline>
  );
}
