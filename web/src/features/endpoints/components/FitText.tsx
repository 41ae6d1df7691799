import { Alert, Anchor, Text } from "@mantine/core";
import { IconCircleCheck, IconClock } from "@tabler/icons-react";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { FitView } from "@/lib/api/generated/types.gen";
import { pathOf, paths } from "@/lib/paths";

import { memoryText } from "../quantity";

/** Whether something fits now, or what it would wait for and who has that. */
export function FitText({ fit }: { fit: FitView }) {
  const { t } = useTranslation("endpoints");
  if (fit.isFitting) return <Alert color="teal" variant="light" icon={<IconCircleCheck />} title={t("fitsNow")} p="xs" />;
  return (
    <Alert color="orange" variant="light" icon={<IconClock />} title={t("wouldWait")} p="xs">
      <Text size="sm">{fit.message ?? t("missing", { cpu: fit.missing.cpu, memory: memoryText(fit.missing.memory) })}</Text>
      {fit.heldByList.length > 0 && (
        <Text size="sm" mt={4}>
          {t("heldBy")}{" "}
          {fit.heldByList.map((holder, index) => (
            <Fragment key={`${holder.kind} ${holder.id}`}>
              {index > 0 && ", "}
              <Anchor component={Link} to={pathOf(holder.kind, holder.id) ?? paths.queue} size="sm">{holder.name}</Anchor>
            </Fragment>
          ))}
        </Text>
      )}
    </Alert>
  );
}
