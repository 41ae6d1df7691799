import { Container, Text, Title } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { isRouteErrorResponse, useRouteError } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { Pending } from "@/components/Pending";
import { isLoadFailure, loadAgain } from "@/lib/loading";

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

/** A page that failed. If only its files did, it is loaded anew. */
export function RouteError() {
  const error = useRouteError();
  // To ask twice is to ask once.
  const [isLoading] = useState(() => isLoadFailure(error) && loadAgain());
  if (isLoading) return <Pending />;
  if (isRouteErrorResponse(error) && error.status === 404) return <NotThere />;
  return (
    <Container size="sm" py="xl">
      <ErrorView error={error instanceof Error ? error : new Error(String(error))} retry={() => { window.location.reload(); }} />
    </Container>
  );
}
