import { Alert, Box, Button, Grid, Group, Paper, Stack, Tabs, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { CopyBlock } from "./CopyText";
import type { Creation } from "./creation";
import { withoutEmpty } from "./creation";
import { ErrorView } from "./ErrorView";

/** The request in other words, to copy: the same wish by command and by program. */
export interface RequestWords {
  cli: string;
  sdk: string;
}

/** A form beside the request that it makes, as CLI, SDK and JSON. */
export function CreationForm<Body extends object>({ creation, words, submitLabel, children, aside }: {
  creation: Creation<Body>;
  words: (body: Body) => RequestWords;
  submitLabel: string;
  children: ReactNode;
  /** What else helps to decide: what fits now, what would wait. */
  aside?: ReactNode;
}) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const body = withoutEmpty(creation.form.getValues());
  const { cli, sdk } = words(body);
  const ways = [["CLI", cli], ["SDK", sdk], ["JSON", JSON.stringify(body, null, 2)]] as const;
  return (
    <form onSubmit={(event) => { event.preventDefault(); creation.submit(); }} noValidate>
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="lg">
            {creation.isDraft && (
              <Alert variant="light">
                <Group justify="space-between">
                  <Text size="sm">{t("draftRestored")}</Text>
                  <Button size="xs" variant="subtle" onClick={creation.discardDraft}>{t("draftDiscard")}</Button>
                </Group>
              </Alert>
            )}
            {children}
            {creation.error !== null && <ErrorView error={creation.error} title={t("notCreated")} />}
            <Group>
              <Button type="submit" loading={creation.isSending}>{submitLabel}</Button>
              <Button variant="default" onClick={() => { void navigate(-1); }}>{t("cancel")}</Button>
            </Group>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Box pos="sticky" top={72}>
            <Stack>
              {aside}
              <Paper withBorder p="md">
                <Title order={2} size="h6" mb="xs">{t("sameRequest")}</Title>
                <Tabs defaultValue="CLI">
                  <Tabs.List>{ways.map(([name]) => <Tabs.Tab value={name} key={name}>{name}</Tabs.Tab>)}</Tabs.List>
                  {ways.map(([name, text]) => <Tabs.Panel value={name} key={name} pt="sm"><CopyBlock text={text} /></Tabs.Panel>)}
                </Tabs>
              </Paper>
            </Stack>
          </Box>
        </Grid.Col>
      </Grid>
    </form>
  );
}

/** A part of a form, with its name. */
export function FormSection({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="fieldset" m={0}>
      <Title order={2} size="h5" component="legend" px={4}>{title}</Title>
      <Stack gap="sm">{children}</Stack>
    </Paper>
  );
}
