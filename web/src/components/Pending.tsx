import { Skeleton, Stack, VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";

const ROWS = [0, 1, 2, 3, 4, 5];

/** What stands where rows or facts will be as soon as the daemon has answered. */
export function Pending() {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" aria-busy>
      <VisuallyHidden role="status">{t("loading")}</VisuallyHidden>
      {ROWS.map((row) => <Skeleton height={32} key={row} />)}
    </Stack>
  );
}
