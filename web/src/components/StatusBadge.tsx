import { Badge, Group, Text, Tooltip } from "@mantine/core";
import { IconCircleCheck, IconCircleMinus, IconCircleX, IconClock, IconLoader2 } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { moodOf, statusName, type Mood } from "@/lib/statuses";

import classes from "./StatusBadge.module.css";

// Shape and colour say the same, so that neither is needed to read the other.
const FACES: Record<Mood, { color: string; icon: ReactNode }> = {
  waiting: { color: "gray", icon: <IconClock size={14} aria-hidden /> },
  working: { color: "blue", icon: <IconLoader2 size={14} className={classes.turning} aria-hidden /> },
  good: { color: "teal", icon: <IconCircleCheck size={14} aria-hidden /> },
  rest: { color: "gray", icon: <IconCircleMinus size={14} aria-hidden /> },
  bad: { color: "red", icon: <IconCircleX size={14} aria-hidden /> },
};

export interface Cause {
  code: string;
  message: string;
}

/** A status in the product's words; with its reason beside it when there is one. */
export function StatusBadge({ status, reason }: { status: string; reason?: Cause | null }) {
  const face = FACES[moodOf(status)];
  return (
    <Group gap="xs" wrap="nowrap">
      <Badge variant="light" color={face.color} leftSection={face.icon} radius="sm" className={classes.badge}>
        {statusName(status)}
      </Badge>
      {reason != null && (
        <Tooltip label={reason.message} multiline maw={480} events={{ hover: true, focus: true, touch: true }}>
          <Text size="xs" c="dimmed" lineClamp={1}>{reason.message}</Text>
        </Tooltip>
      )}
    </Group>
  );
}
