import { Group, Text } from "@mantine/core";

import { StatusBadge } from "@/components/StatusBadge";
import type { TuningView } from "@/lib/api/generated/types.gen";

import { statusDetail } from "../tuning";

/** A tuning's status in a row: with its detail in parentheses (HP-51), or with the reason why it waits or failed. */
export function TuningStatus({ tuning }: { tuning: TuningView }) {
  const detail = statusDetail(tuning);
  return <StatusBadge status={tuning.hyperparameterTuningStatusCode} reason={detail === null ? tuning.statusReason : { code: null, message: `(${detail})` }} />;
}

/** The same beside its name, whose page tells reasons in another place. */
export function TuningStatusLine({ tuning }: { tuning: TuningView }) {
  const detail = statusDetail(tuning);
  return (
    <Group gap="xs" wrap="nowrap">
      <StatusBadge status={tuning.hyperparameterTuningStatusCode} />
      {detail !== null && <Text size="sm" c="dimmed" span>({detail})</Text>}
    </Group>
  );
}
