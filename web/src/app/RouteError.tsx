import { Container, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { isRouteErrorResponse, useRouteError } from "react-router";

import { ErrorView } from "@/components/ErrorView";

/** A path that leads nowhere. */
export function NotThere() {
  const { t } = useTranslation();
  return (
    <Container size="sm" py="xl">
      <Title order={1} size="h3">{t("notThere")}</Title>
      <Text c="dimmed">{t("notThereText")}</Text>
    </Container>
  );
}

/** A page that failed, or whose files are gone because a newer daemon has others. */
export function RouteError() {
  const error = useRouteError();
  if (isRouteErrorResponse(error) && error.status === 404) return <NotThere />;
  return (
    <Container size="sm" py="xl">
      <ErrorView error={error instanceof Error ? error : new Error(String(error))} retry={() => { window.location.reload(); }} />
    </Container>
  );
}
