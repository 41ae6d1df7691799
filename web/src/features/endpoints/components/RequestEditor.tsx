import { Button, Code, Grid, Group, Paper, Select, Stack, Tabs, Text, Textarea, TextInput, Title } from "@mantine/core";
import { IconPlayerStopFilled, IconSend } from "@tabler/icons-react";
import { useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";

import { CopyBlock } from "@/components/CopyText";
import { ErrorView } from "@/components/ErrorView";
import type { EndpointStageView, TryOut } from "@/lib/api/generated/types.gen";
import { useSystem } from "@/lib/machine";

import { useTryStage } from "../api/tryStage";
import { exampleBody, methodOf, modelPath, ROUTES, type Api, type Metadata } from "../protocol";
import { asCurl, asPython } from "../sameRequest";
import { Answer } from "./Answer";

const OWN = "own";
type Choice = Api | typeof OWN;

/** A request to a model: which API, what is sent, what comes back, and the same in other words. */
export function RequestEditor({ stage, modelName, metadata, needsKey, isReading }: {
  stage: EndpointStageView;
  modelName: string;
  metadata: Metadata | null;
  needsKey: boolean;
  /** True while the model is asked what it takes. */
  isReading: boolean;
}) {
  const { t } = useTranslation("endpoints");
  const { data: system } = useSystem();
  const { send: toSend, answer, isWhole, error, isPending, stop } = useTryStage(stage.endpointStageId);
  const [api, setApi] = useState<Choice>("predict");
  const [method, setMethod] = useState<NonNullable<TryOut["method"]>>("POST");
  const [path, setPath] = useState(modelPath(modelName, "predict"));
  // Until somebody types, the example is shown; it gets better when the model has said what it takes.
  const [typed, setTyped] = useState<string | null>(null);
  const body = typed ?? exampleBody(api === OWN ? "predict" : api, modelName, metadata);
  const choose = (next: Choice): void => {
    setApi(next);
    setTyped(next === OWN ? body : null);
    if (next === OWN) return;
    setMethod(methodOf(next));
    setPath(modelPath(modelName, next));
  };
  const send = (): void => {
    if (isPending) return;
    const headerList = body === "" ? [] : [{ headerName: "content-type", headerValue: "application/json" }];
    toSend({ method, resourcePath: path, headerList, body: body === "" ? null : body });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  };
  const url = `https://${stage.apigwDefaultStageUrl ?? stage.apigwStageUrl}${path}`;
  const words = { url, method, body, needsKey, authority: `${system?.home ?? ""}/tls/bundle.pem` };
  const wrong = faultOf(body);
  return (
    <Grid gap="lg">
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Stack gap="sm">
          <Group align="flex-end" gap="xs">
            <Select
              label={t("api")} flex={1} miw={180} allowDeselect={false} value={api} onChange={(value) => { choose(value as Choice); }}
              data={[...ROUTES.map((route) => ({ value: route.api, label: t(`apiOf.${route.api}`) })), { value: OWN, label: t("apiOf.own") }]}
            />
            <Select label={t("method")} w={110} allowDeselect={false} data={["GET", "POST", "PUT", "PATCH", "DELETE"]} value={method} onChange={(value) => { setMethod(value as typeof method); }} disabled={api !== OWN} />
          </Group>
          <TextInput label={t("pathBelowStage")} value={path} readOnly={api !== OWN} onChange={(event) => { setPath(event.currentTarget.value); }} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} />
          <Textarea
            label={t("body")} description={isReading ? t("readingMetadata") : metadata === null ? t("exampleUnknown") : t("exampleKnown")} autosize minRows={6} maxRows={24} spellCheck={false}
            value={body} onChange={(event) => { setTyped(event.currentTarget.value); }} onKeyDown={onKeyDown} error={wrong === null ? null : t("notJson", { message: wrong })}
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "var(--mantine-font-size-sm)" } }}
          />
          <Group>
            <Button leftSection={<IconSend size={16} />} onClick={send} loading={isPending}>{t("send")}</Button>
            {stop !== null && <Button variant="light" color="red" leftSection={<IconPlayerStopFilled size={16} />} onClick={stop}>{t("stop", { ns: "common" })}</Button>}
            <Text size="xs" c="dimmed">{t("sendHint")}</Text>
          </Group>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Stack gap="md">
          {error !== null && <ErrorView error={error} title={t(answer === null ? "notSent" : "brokeOff")} />}
          {answer !== null ? <Answer answer={answer} state={isWhole ? "whole" : isPending ? "grows" : "brokeOff"} />
            : error === null && <Paper withBorder p="md"><Text size="sm" c="dimmed">{isPending ? t("waitingForAnswer") : t("answerComesHere")}</Text></Paper>}
          <Paper withBorder p="md">
            <Title order={2} size="h6" mb="xs">{t("sameRequest", { ns: "common" })}</Title>
            <Tabs defaultValue="curl">
              <Tabs.List><Tabs.Tab value="curl">curl</Tabs.Tab><Tabs.Tab value="python">Python</Tabs.Tab></Tabs.List>
              <Tabs.Panel value="curl" pt="sm"><CopyBlock text={asCurl(words)} /></Tabs.Panel>
              <Tabs.Panel value="python" pt="sm"><CopyBlock text={asPython(words)} /></Tabs.Panel>
            </Tabs>
            {needsKey && <Text size="xs" c="dimmed" mt="xs">{t("keyHint")} <Code>KEY</Code></Text>}
          </Paper>
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

/** What is wrong with a text as JSON; null if nothing is, or if it is empty. */
function faultOf(text: string): string | null {
  if (text === "") return null;
  try {
    JSON.parse(text);
    return null;
  } catch (fault) {
    return (fault as Error).message;
  }
}
