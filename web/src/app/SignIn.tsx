import { Container, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { CopyBlock } from "@/components/CopyText";

/** What a browser sees that nobody has signed in. */
export function SignIn() {
  const { t } = useTranslation("shell");
  return (
    <Container size="xs" py={120} component="main">
      <Stack>
        <Title order={1} size="h3">{t("signedOut")}</Title>
        <Text c="dimmed">{t("signedOutAgain")}</Text>
        <Text>{t("signedOutText")}</Text>
        <CopyBlock text="easymaker-local open" />
      </Stack>
    </Container>
  );
}
