import { screen, waitFor, within } from "@testing-library/react";
import type { UserEvent } from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, expect, test } from "vitest";

import { renderPage } from "@/testing/render";
import { api, refusal, server, success } from "@/testing/server";

import { ENDPOINT, stageOf } from "./testing";

const METADATA = JSON.stringify({ name: "iris", platform: "transformers_text_generation", inputs: [] });
const EVENTS = "text/event-stream; charset=utf-8";

/** An answer of a stage that comes when a test says so. */
class Answer {
  isLeft = false;
  private to: ReadableStreamDefaultController<string> | null = null;

  stream(): HttpResponse<ReadableStream<Uint8Array>> {
    const text = new ReadableStream<string>({ start: (to) => { this.to = to; }, cancel: () => { this.isLeft = true; } });
    return new HttpResponse(text.pipeThrough(new TextEncoderStream()), { headers: { "Content-Type": "text/event-stream" } });
  }

  begin(statusCode = 200, type = EVENTS): this {
    return this.send("head", { statusCode, headerList: [{ headerName: "content-type", headerValue: type }] });
  }

  says(content: string): this {
    return this.send("piece", { content });
  }

  /** What a model writes, as OpenAI's routes say it. */
  writes(...words: string[]): this {
    return this.says(words.map((word) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: word } }] })}\n\n`).join(""));
  }

  end(failureMessage: string | null = null): void {
    this.send("end", { isBodyCut: false, milliseconds: 1234.5, failureMessage });
    this.to?.close();
  }

  breakOff(): void {
    this.to?.error(new Error("the connection is lost"));
  }

  private send(name: string, data: object): this {
    this.to?.enqueue(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    return this;
  }
}

interface Sent { resourcePath: string; body: string }
let sent: Sent[] = [];

/** The answers to the requests that come, one after the other. */
function answering(...answers: Answer[]): void {
  sent = [];
  server.use(http.post(api("/endpoint-stages/s1/try/stream"), async ({ request }) => {
    sent.push((await request.json()) as Sent);
    const answer = answers[sent.length - 1];
    if (answer === undefined) throw new Error("nothing more is expected");
    return answer.stream();
  }));
}

const asked = (count: number) => waitFor(() => { expect(sent).toHaveLength(count); });

async function openChat(): Promise<UserEvent> {
  const { user } = renderPage("/endpoints/e1?tab=try");
  // The first test of all loads the page's code.
  await user.click(await screen.findByText("Chat", {}, { timeout: 20_000 }));
  return user;
}

const say = (user: UserEvent, text: string) => user.type(screen.getByRole("textbox", { name: "Message" }), `${text}{Enter}`);

beforeEach(() => {
  server.use(
    http.get(api("/endpoints/e1"), () => success({ endpoint: { ...ENDPOINT, endpointStageList: [stageOf()] } as never })),
    http.post(api("/endpoint-stages/s1/try"), () => success({ tried: { statusCode: 200, headerList: [], body: METADATA, bodyEncoding: "TEXT", isBodyCut: false, milliseconds: 1 } })),
  );
});

test("words appear as the model writes them, and are announced once all of them are there (OI-19)", async () => {
  const answer = new Answer();
  answering(answer);
  const user = await openChat();
  await say(user, "Hello");
  await asked(1);
  expect(sent[0]).toMatchObject({ resourcePath: "/iris/openai/v1/chat/completions" });
  expect(JSON.parse(sent[0]?.body ?? "")).toMatchObject({ messages: [{ role: "user", content: "Hello" }], max_tokens: 128, stream: true });
  const log = screen.getByRole("log");
  answer.begin().writes("Good", " da");
  expect(await within(log).findByText("Good da")).toBeVisible();
  expect(log).toHaveAttribute("aria-busy", "true");
  answer.writes("y").says(`data: ${JSON.stringify({ choices: [], usage: { completion_tokens: 3 } })}\n\ndata: [DO`).says("NE]\n\n").end();
  expect(await within(log).findByText("iris · 1.2 s · 3 tokens")).toBeVisible();
  expect(within(log).getByText("Good day")).toBeVisible();
  expect(log).toHaveAttribute("aria-busy", "false");
  expect(screen.queryByRole("button", { name: "Stop" })).toBeNull();
});

test("Stop ends the request and keeps what was said", async () => {
  const [answer, next] = [new Answer(), new Answer()];
  answering(answer, next);
  const user = await openChat();
  await say(user, "Hello");
  await asked(1);
  answer.begin().writes("Good");
  await screen.findByText("Good");
  await user.click(screen.getByRole("button", { name: "Stop" }));
  expect(await screen.findByText("iris · incomplete")).toBeVisible();
  expect(screen.getByText("Good")).toBeVisible();
  expect(screen.queryByRole("alert")).toBeNull();
  await waitFor(() => { expect(answer.isLeft).toBe(true); });
  await say(user, "Go on");
  await asked(2);
  expect(JSON.parse(sent[1]?.body ?? "")).toMatchObject({ messages: [{ content: "Hello" }, { role: "assistant", content: "Good" }, { content: "Go on" }] });
});

test.each([
  ["the stage breaks off", (answer: Answer) => { answer.end("The answer broke off: connection reset."); }, "The answer broke off: connection reset."],
  ["the daemon is gone", (answer: Answer) => { answer.breakOff(); }, "The daemon does not answer."],
  ["the model fails", (answer: Answer) => { answer.says('data: {"error": {"message": "out of memory"}}\n\n'); }, "out of memory"],
])("if %s, what was said stays, and why it ended is said", async (_, fail, message) => {
  const answer = new Answer();
  answering(answer);
  const user = await openChat();
  await say(user, "Hello");
  await asked(1);
  answer.begin().writes("Good");
  await screen.findByText("Good");
  fail(answer);
  const alert = await screen.findByRole("alert");
  expect(within(alert).getByText("The answer broke off")).toBeVisible();
  expect(within(alert).getByText(message)).toBeVisible();
  expect(screen.getByText("Good")).toBeVisible();
  expect(screen.getByText("iris · incomplete")).toBeVisible();
});

test("a model without a chat template gets a prompt, and may answer as a whole (OI-11)", async () => {
  const [chat, completion] = [new Answer(), new Answer()];
  answering(chat, completion);
  const user = await openChat();
  await say(user, "Hello");
  await asked(1);
  chat.begin(501, "application/json").says('{"error": "no chat"}').end();
  await asked(2);
  completion.begin(200, "application/json").says('{"choices": [{"text": "Good day"}], ').says('"usage": {"completion_tokens": 2}}').end();
  expect(await screen.findByText("Good day")).toBeVisible();
  expect(screen.getByText("iris · 1.2 s · 2 tokens")).toBeVisible();
  expect(sent[1]?.resourcePath).toBe("/iris/openai/v1/completions");
  expect(JSON.parse(sent[1]?.body ?? "")).toMatchObject({ prompt: "Hello", max_tokens: 128 });
});

test("a refusal is said in the words of the model, or of the daemon", async () => {
  const answer = new Answer();
  answering(answer);
  const user = await openChat();
  await say(user, "Hello");
  await asked(1);
  answer.begin(400, "application/json").says('{"error": {"message": "the prompt is too long"}}').end();
  expect(await screen.findByText("400: the prompt is too long")).toBeVisible();
  server.use(http.post(api("/endpoint-stages/s1/try/stream"), () => refusal(409, "The gateway does not answer.")));
  await say(user, "Again");
  expect(await screen.findByText("The gateway does not answer.")).toBeVisible();
  expect(screen.getByText("There was no answer")).toBeVisible();
});

test("the answer to a request for a stream grows as it comes, and can be stopped (EP-33)", async () => {
  const [answer, next] = [new Answer(), new Answer()];
  answering(answer, next);
  const { user } = renderPage("/endpoints/e1?tab=try");
  const body = await screen.findByRole("textbox", { name: "Body" });
  await user.clear(body);
  await user.click(body);
  await user.paste('{"prompt": "Hello", "stream": true}');
  expect(screen.getByText(/^curl --no-buffer /)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Send" }));
  await asked(1);
  answer.begin().says("data: one\n\n");
  const region = await screen.findByRole("region", { name: "Answer" });
  expect(within(region).getByText("data: one")).toBeVisible();
  expect(within(region).getByText("The answer is being written …")).toBeVisible();
  answer.says("data: two\n\n").end();
  expect(await within(region).findByText("1,234.5 ms")).toBeVisible();
  expect(within(region).getByText(/data: one\s+data: two/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Send" }));
  await asked(2);
  next.begin().says("data: three\n\n");
  await screen.findByText("data: three");
  await user.click(screen.getByRole("button", { name: "Stop" }));
  expect(await screen.findByText("incomplete")).toBeVisible();
  expect(screen.getByText("data: three")).toBeVisible();
  expect(screen.queryByRole("alert")).toBeNull();
});
