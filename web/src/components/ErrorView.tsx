import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { ApiError } from "@/lib/api/client";

/** Why something could not be shown or done, in the daemon's words, and what to do about it. */
export function ErrorView({ error, title, retry }: { error: Error; title?: string; retry?: () => void }) {
  const { t } = useTranslation();
  return (
    <Alert color="red" icon={<IconAlertTriangle />} title={title ?? t("failed")} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{error.message}</Text>
        {error instanceof ApiError && error.hint !== null && <Text size="sm" c="dimmed">{t("hint")}: {error.hint}</Text>}
        {error instanceof ApiError && error.fields.map((fault) => (
          <Text size="sm" key={`${fault.field} ${fault.message}`}><b>{fault.field}</b> {fault.message}</Text>
        ))}
        {retry !== undefined && <Button size="xs" variant="light" color="red" onClick={retry}>{t("retry")}</Button>}
      </Stack>
    </Alert>
  );
}
