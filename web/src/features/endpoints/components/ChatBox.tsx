import { ActionIcon, Box, Button, Group, NumberInput, Paper, ScrollArea, Stack, Text, Textarea } from "@mantine/core";
import { IconPlayerStopFilled, IconSend } from "@tabler/icons-react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";

import { streamStage } from "../api/streamStage";
import { toAsk, type Message } from "../chat";
import { useAbort } from "../useAbort";

const TOKENS = 128;

/** A talk with a model that generates text; it gets all that was said so far (OI-12), or the last words as a prompt (OI-11). */
export function ChatBox({ stageId, modelName }: { stageId: string; modelName: string }) {
  const { t } = useTranslation("endpoints");
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const [text, setText] = useState("");
  const [tokens, setTokens] = useState<number>(TOKENS);
  // What there is of the next message; null: nobody writes one.
  const [written, setWritten] = useState<Message | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const abort = useAbort();
  const viewport = useRef<HTMLDivElement>(null);
  // Who has scrolled up to read is left there.
  const isAtEnd = useRef(true);
  useEffect(() => { if (isAtEnd.current) viewport.current?.scrollTo({ top: viewport.current.scrollHeight }); }, [messages, written]);
  const isWriting = written !== null;

  const ask = async (talk: readonly Message[]): Promise<void> => {
    const signal = abort.begin();
    let partial: Message = { role: "assistant", content: "" };
    const grow = (message: Message): void => { partial = message; setWritten(message); };
    setMessages(talk);
    setError(null);
    setWritten(partial);
    isAtEnd.current = true;
    try {
      const reply = await toAsk((body, onGrown) => streamStage(stageId, body, signal, onGrown), modelName, talk, tokens, grow);
      setMessages([...talk, reply]);
    } catch (failure) {
      if (partial.content !== "") setMessages([...talk, { ...partial, isIncomplete: true }]);
      if (!signal.aborted) setError(failure as Error);
    }
    setWritten(null);
  };
  const send = (): void => {
    if (text.trim() === "" || isWriting) return;
    setText("");
    void ask([...messages, { role: "user", content: text }]);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <Paper withBorder p="md" maw={860}>
      <Stack>
        <ScrollArea
          h={360} type="auto" viewportRef={viewport} onScrollPositionChange={({ y }) => { isAtEnd.current = isEnd(viewport.current, y); }}
          // Said once it is whole, not word by word.
          viewportProps={{ tabIndex: 0, role: "log", "aria-label": t("chat"), "aria-busy": isWriting }}
        >
          <Stack gap="sm" pr="sm">
            {messages.length === 0 && <Text size="sm" c="dimmed">{t("chatEmpty", { name: modelName })}</Text>}
            {messages.map((message, index) => <Said key={index} message={message} modelName={modelName} />)}
            {isWriting && (written.content === "" ? <Text size="sm" c="dimmed">{t("modelWrites")}</Text> : <Said message={written} modelName={modelName} />)}
          </Stack>
        </ScrollArea>
        {error !== null && <ErrorView error={error} title={t(messages.at(-1)?.isIncomplete === true ? "brokeOff" : "notSent")} />}
        <Group align="flex-end" wrap="nowrap" gap="xs">
          <Textarea flex={1} aria-label={t("message")} placeholder={t("messageHint")} autosize minRows={1} maxRows={6} value={text} onChange={(event) => { setText(event.currentTarget.value); }} onKeyDown={onKeyDown} />
          {isWriting
            ? <ActionIcon size={36} variant="filled" color="red" onClick={abort.stop} aria-label={t("stop", { ns: "common" })}><IconPlayerStopFilled size={16} /></ActionIcon>
            : <ActionIcon size={36} variant="filled" onClick={send} aria-label={t("send")}><IconSend size={16} /></ActionIcon>}
        </Group>
        <Group justify="space-between">
          <NumberInput size="xs" w={150} label={t("maximumTokens")} min={1} max={4096} value={tokens} onChange={(value) => { setTokens(typeof value === "number" ? value : TOKENS); }} />
          <Button size="xs" variant="subtle" disabled={messages.length === 0 || isWriting} onClick={() => { setMessages([]); setError(null); }}>{t("newChat")}</Button>
        </Group>
      </Stack>
    </Paper>
  );
}

// Of a line: where somebody is so near to the end, the end is what they look at.
const NEAR = 40;

const isEnd = (viewport: HTMLDivElement | null, top: number): boolean => viewport === null || viewport.scrollHeight - viewport.clientHeight - top < NEAR;

/** One message, and what is known about it. */
function Said({ message, modelName }: { message: Message; modelName: string }) {
  const { t } = useTranslation("endpoints");
  const { role, content, seconds, tokens, isIncomplete } = message;
  const isOwn = role === "user";
  const facts = [
    isOwn ? t("you") : modelName,
    ...(seconds === undefined ? [] : [t("seconds", { value: seconds.toFixed(1) })]),
    ...(tokens === undefined ? [] : [t("tokens", { count: tokens })]),
    ...(isIncomplete === true ? [t("incomplete")] : []),
  ];
  return (
    <Box style={{ alignSelf: isOwn ? "flex-end" : "flex-start", maxWidth: "85%" }}>
      <Text size="xs" c="dimmed" ta={isOwn ? "right" : "left"}>{facts.join(" · ")}</Text>
      <Paper p="sm" bg={isOwn ? "var(--mantine-color-blue-light)" : "var(--mantine-color-default-hover)"}>
        <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{content === "" ? t("saidNothing") : content}</Text>
      </Paper>
    </Box>
  );
}
