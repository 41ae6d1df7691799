/** A talk with a model over OpenAI's routes; a model that has no chat template is given the last words as a prompt. */
import type { TriedView, TryOut } from "@/lib/api/generated/types.gen";

import { modelPath } from "./protocol";

export interface Message {
  role: "user" | "assistant";
  content: string;
  /** How long it took, and of how many tokens it is. */
  note?: string;
}

const NOT_OFFERED = 501;
const JSON_BODY = [{ headerName: "content-type", headerValue: "application/json" }];

interface Completion {
  choices?: { message?: { content?: string | null }; text?: string }[];
  usage?: { completion_tokens?: number };
}

type Send = (body: TryOut) => Promise<TriedView>;

/** Asks for the next message; throws with the model's own words if it refuses. */
export async function toAsk(send: Send, modelName: string, talk: readonly Message[], tokens: number): Promise<TriedView> {
  const messages = talk.map(({ role, content }) => ({ role, content }));
  const chat = await send({
    method: "POST", resourcePath: modelPath(modelName, "chat"), headerList: JSON_BODY, body: JSON.stringify({ model: modelName, messages, max_tokens: tokens }),
  });
  if (chat.statusCode !== NOT_OFFERED) return accepted(chat);
  return accepted(await send({
    method: "POST", resourcePath: modelPath(modelName, "completions"), headerList: JSON_BODY,
    body: JSON.stringify({ model: modelName, prompt: talk.at(-1)?.content ?? "", max_tokens: tokens }),
  }));
}

function accepted(answer: TriedView): TriedView {
  if (answer.statusCode < 400) return answer;
  throw new Error(`${String(answer.statusCode)}: ${wordsOf(answer.body)}`);
}

function wordsOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: string | { message?: string } };
    return typeof error === "string" ? error : error?.message ?? body;
  } catch {
    return body;
  }
}

/** The message in an answer. */
export function said(answer: TriedView): Message {
  const { choices, usage } = JSON.parse(answer.body) as Completion;
  const [choice] = choices ?? [];
  const count = usage?.completion_tokens;
  const seconds = (answer.milliseconds / 1000).toFixed(1);
  return {
    role: "assistant", content: choice?.message?.content ?? choice?.text ?? "",
    note: count === undefined ? `${seconds} s` : `${seconds} s, ${String(count)} tokens`,
  };
}
