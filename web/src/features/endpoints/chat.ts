/** A talk with a model over OpenAI's routes; a model that has no chat template is given the last words as a prompt. */
import type { TriedView, TryOut } from "@/lib/api/generated/types.gen";

import { modelPath } from "./protocol";
import { EventText } from "./sse";

export interface Message {
  role: "user" | "assistant";
  content: string;
  /** How long it took, and of how many tokens it is; only known of one that is whole. */
  seconds?: number;
  tokens?: number;
  /** True if it was stopped or broke off. */
  isIncomplete?: boolean;
}

const NOT_OFFERED = 501;
const JSON_BODY = [{ headerName: "content-type", headerValue: "application/json" }];

/** A completion or a part of one, of a chat or of a prompt. */
interface Completion {
  choices?: { message?: { content?: string | null }; delta?: { content?: string | null }; text?: string }[];
  usage?: { completion_tokens?: number } | null;
  error?: unknown;
}

type Send = (body: TryOut, onGrown: (answer: TriedView) => void) => Promise<TriedView>;

/** Asks for the next message and tells what there is of it whenever it has grown; throws with the model's own words if it refuses. */
export async function toAsk(send: Send, modelName: string, talk: readonly Message[], tokens: number, onGrown: (message: Message) => void): Promise<Message> {
  const ask = async (api: "chat" | "completions", input: object): Promise<{ answer: TriedView; reply: Reply }> => {
    const reply = new Reply(onGrown);
    const body = JSON.stringify({ model: modelName, ...input, max_tokens: tokens, stream: true, stream_options: { include_usage: true } });
    const answer = await send({ method: "POST", resourcePath: modelPath(modelName, api), headerList: JSON_BODY, body }, (grown) => { reply.grow(grown); });
    return { answer, reply };
  };
  const chat = await ask("chat", { messages: talk.map(({ role, content }) => ({ role, content })) });
  const { answer, reply } = chat.answer.statusCode === NOT_OFFERED ? await ask("completions", { prompt: talk.at(-1)?.content ?? "" }) : chat;
  return reply.whole(answer);
}

/** A message that is made from an answer; a server may well answer as a whole what it was asked for as a stream. */
class Reply {
  private readonly events = new EventText();
  private message: Message = { role: "assistant", content: "" };
  private read = 0;

  constructor(private readonly onGrown: (message: Message) => void) {}

  grow(answer: TriedView): void {
    if (answer.statusCode >= 400 || !isStream(answer)) return;
    for (const { data } of this.events.push(answer.body.slice(this.read))) if (data !== "[DONE]") this.take(data);
    this.read = answer.body.length;
  }

  whole(answer: TriedView): Message {
    if (answer.statusCode >= 400) throw new Error(`${String(answer.statusCode)}: ${wordsOf(answer.body)}`);
    if (!isStream(answer)) this.take(answer.body);
    return { ...this.message, seconds: answer.milliseconds / 1000 };
  }

  private take(text: string): void {
    const { choices, usage, error } = JSON.parse(text) as Completion;
    if (error !== undefined) throw new Error(wordsOf(text));
    const [choice] = choices ?? [];
    const said = choice?.message?.content ?? choice?.delta?.content ?? choice?.text ?? "";
    this.message = { ...this.message, content: this.message.content + said, tokens: usage?.completion_tokens ?? this.message.tokens };
    if (said !== "") this.onGrown(this.message);
  }
}

const isStream = ({ headerList }: TriedView): boolean =>
  headerList.some(({ headerName, headerValue }) => headerName.toLowerCase() === "content-type" && headerValue.startsWith("text/event-stream"));

function wordsOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: string | { message?: string } };
    return typeof error === "string" ? error : error?.message ?? body;
  } catch {
    return body;
  }
}
