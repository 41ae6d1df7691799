import { Box, Group, Text } from "@mantine/core";

import { StatusBadge } from "@/components/StatusBadge";
import type { TuningView } from "@/lib/api/generated/types.gen";

import { statusDetail } from "../tuning";

/** A tuning's status: with its detail in parentheses (HP-51), or with the reason why it waits or failed. */
export function TuningStatus({ tuning }: { tuning: TuningView }) {
  const detail = statusDetail(tuning);
  if (detail === null) return <StatusBadge status={tuning.hyperparameterTuningStatusCode} reason={tuning.statusReason} />;
  return (
    <Group gap="xs" wrap="nowrap">
      <Box flex="none"><StatusBadge status={tuning.hyperparameterTuningStatusCode} /></Box>
      <Text size="sm" c="dimmed" span truncate>({detail})</Text>
    </Group>
  );
}
