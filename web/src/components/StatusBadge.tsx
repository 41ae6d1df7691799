import { IconCircleCheck, IconCircleMinus, IconCircleX, IconClock, IconLoader2 } from "@tabler/icons-react";
import type { ReactNode } from "react";

import { reasonText, type Cause } from "@/lib/reasons";
import { moodOf, statusName, type Mood } from "@/lib/statuses";

import classes from "./StatusBadge.module.css";

// Shape and colour say the same, so that neither is needed to read the other.
const ICONS: Record<Mood, ReactNode> = {
  waiting: <IconClock size={14} aria-hidden />,
  working: <IconLoader2 size={14} className={classes.turning} aria-hidden />,
  good: <IconCircleCheck size={14} aria-hidden />,
  rest: <IconCircleMinus size={14} aria-hidden />,
  bad: <IconCircleX size={14} aria-hidden />,
};

/** A status in the product's words; with its reason below when there is one. Of plain elements: every row of a list has one. */
export function StatusBadge({ status, reason }: { status: string; reason?: Cause | null }) {
  const mood = moodOf(status);
  const why = reason == null ? null : reasonText(reason);
  return (
    <span className={classes.status}>
      <span className={classes.badge} data-mood={mood}>{ICONS[mood]}{statusName(status)}</span>
      {why !== null && <span className={classes.reason} title={why}>{why}</span>}
    </span>
  );
}
