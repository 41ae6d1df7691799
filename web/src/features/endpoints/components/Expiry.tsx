import { Alert } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { exactTime } from "@/lib/time";

/** Says that a stage runs on an outdated runtime version, and until when it may (EP-21, UP-06). */
export function Expiry({ at }: { at: string | null }) {
  const { t, i18n } = useTranslation("endpoints");
  return (
    <Alert color="orange" icon={<IconAlertTriangle />} title={t("outdated")}>
      {at === null ? t("outdatedText") : t("outdatedUntil", { time: exactTime(at, i18n.language) })}
    </Alert>
  );
}
