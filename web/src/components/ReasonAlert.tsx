import { Alert, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";

import type { StatusReason } from "@/lib/api/generated/types.gen";
import { reasonName } from "@/lib/reasons";

/** Why a resource waits or failed, on top of its overview; nothing where there is no reason. */
export function ReasonAlert({ status, reason }: { status: string; reason: StatusReason | null }) {
  if (reason === null) return null;
  return (
    <Alert color={status.endsWith("FAILED") ? "red" : "blue"} icon={<IconAlertTriangle />} title={reasonName(reason.code)}>
      <Text size="sm" style={{ whiteSpace: "pre-wrap" }}>{reason.message}</Text>
    </Alert>
  );
}
