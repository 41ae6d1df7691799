import { ActionIcon, Box, Button, Group, NumberInput, Paper, ScrollArea, Stack, Text, Textarea } from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";

import { tryStage } from "../api/tryStage";
import { said, toAsk, type Message } from "../chat";

const TOKENS = 128;

/** A talk with a model that generates text; it gets all that was said so far (OI-12), or the last words as a prompt (OI-11). */
export function ChatBox({ stageId, modelName }: { stageId: string; modelName: string }) {
  const { t } = useTranslation("endpoints");
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const [text, setText] = useState("");
  const [tokens, setTokens] = useState<number>(TOKENS);
  const [isWaiting, setWaiting] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => { end.current?.scrollIntoView({ block: "nearest" }); }, [messages, isWaiting]);

  const send = (): void => {
    if (text.trim() === "" || isWaiting) return;
    const talk = [...messages, { role: "user", content: text } as const];
    setMessages(talk);
    setText("");
    setError(null);
    setWaiting(true);
    toAsk((body) => tryStage(stageId, body), modelName, talk, tokens)
      .then((answer) => { setMessages([...talk, said(answer)]); }, (failure: unknown) => { setError(failure as Error); })
      .finally(() => { setWaiting(false); });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <Paper withBorder p="md" maw={860}>
      <Stack>
        <ScrollArea h={360} type="auto" viewportProps={{ tabIndex: 0, role: "log", "aria-label": t("chat") }}>
          <Stack gap="sm" pr="sm">
            {messages.length === 0 && <Text size="sm" c="dimmed">{t("chatEmpty", { name: modelName })}</Text>}
            {messages.map((message, index) => (
              <Box key={index} style={{ alignSelf: message.role === "user" ? "flex-end" : "flex-start", maxWidth: "85%" }}>
                <Text size="xs" c="dimmed" ta={message.role === "user" ? "right" : "left"}>{message.role === "user" ? t("you") : modelName}{message.note === undefined ? "" : ` · ${message.note}`}</Text>
                <Paper p="sm" bg={message.role === "user" ? "var(--mantine-color-blue-light)" : "var(--mantine-color-default-hover)"}>
                  <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{message.content === "" ? t("saidNothing") : message.content}</Text>
                </Paper>
              </Box>
            ))}
            {isWaiting && <Text size="sm" c="dimmed">{t("modelWrites")}</Text>}
            <div ref={end} />
          </Stack>
        </ScrollArea>
        {error !== null && <ErrorView error={error} title={t("notSent")} />}
        <Group align="flex-end" wrap="nowrap" gap="xs">
          <Textarea flex={1} aria-label={t("message")} placeholder={t("messageHint")} autosize minRows={1} maxRows={6} value={text} onChange={(event) => { setText(event.currentTarget.value); }} onKeyDown={onKeyDown} />
          <ActionIcon size={36} variant="filled" onClick={send} loading={isWaiting} aria-label={t("send")}><IconSend size={16} /></ActionIcon>
        </Group>
        <Group justify="space-between">
          <NumberInput size="xs" w={150} label={t("maximumTokens")} min={1} max={4096} value={tokens} onChange={(value) => { setTokens(typeof value === "number" ? value : TOKENS); }} />
          <Button size="xs" variant="subtle" disabled={messages.length === 0} onClick={() => { setMessages([]); setError(null); }}>{t("newChat")}</Button>
        </Group>
      </Stack>
    </Paper>
  );
}
