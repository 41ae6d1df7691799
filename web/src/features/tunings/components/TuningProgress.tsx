import { Group, Progress, Text, Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";

import type { TuningView } from "@/lib/api/generated/types.gen";
import { statusName } from "@/lib/statuses";

import { endedCount, plannedCount } from "../tuning";

/** How far a tuning is: a part for each way in which trials stand; the words say the same. */
export function TuningProgress({ tuning, size = "sm" }: { tuning: TuningView; size?: "sm" | "lg" }) {
  const { t } = useTranslation("tunings");
  const planned = plannedCount(tuning);
  const made = endedCount(tuning) + tuning.runningTrialCount + tuning.createdTrialCount;
  const whole = Math.max(1, planned ?? made);
  const parts = [
    ["SUCCEEDED", tuning.successfulTrialCount, "teal"], ["EARLY_STOPPED", tuning.earlyStoppedTrialCount, "cyan"], ["FAILED", tuning.failedTrialCount, "red"],
    ["KILLED", tuning.killedTrialCount, "gray"], ["RUNNING", tuning.runningTrialCount, "blue"],
  ] as const;
  const words = planned === null ? t("trialsSoFar", { count: endedCount(tuning) }) : `${String(endedCount(tuning))} / ${String(planned)}`;
  return (
    <Group gap="xs" wrap="nowrap" w="100%">
      <Progress.Root size={size} flex={1} miw={48} aria-label={t("progress")}>
        {parts.filter(([, count]) => count > 0).map(([status, count, color]) => (
          <Tooltip key={status} label={`${statusName(status)}: ${String(count)}`}>
            <Progress.Section value={(100 * count) / whole} color={color} aria-label={`${statusName(status)}: ${String(count)}`} />
          </Tooltip>
        ))}
      </Progress.Root>
      <Text size="sm" style={{ whiteSpace: "nowrap" }}>{words}</Text>
    </Group>
  );
}
