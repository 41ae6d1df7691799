/** The one client of the daemon: the generated calls, its errors as `ApiError`, and who is signed in. */
import { client } from "./generated/client.gen";

/** One appliance is one project: any application key is accepted in paths. */
export const APPKEY = "local";
export const PROJECT = { appkey: APPKEY } as const;

export interface FieldFault {
  field: string;
  message: string;
}

/** What the daemon refused or could not do, in its own words; status 0: it did not answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null = null,
    readonly fields: readonly FieldFault[] = [],
  ) {
    super(message);
    this.name = "ApiError";
  }
}

type Listener = () => void;
const signedOut = new Set<Listener>();

/** Calls `listener` whenever an answer says that the session has ended; returns what ends that. */
export function onSignedOut(listener: Listener): () => void {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

interface FailureBody {
  header?: { resultMessage?: string };
  errorCode?: string;
  hint?: string | null;
  fieldErrors?: FieldFault[];
}

/** Reads the envelope of a failed answer (rest-api §1.4). The hint is told apart from the message. */
export function errorOf(body: unknown, response: Response | undefined): ApiError {
  if (response === undefined) return new ApiError(0, "NO_ANSWER", "The daemon does not answer.");
  const { header, errorCode = "ERROR", hint = null, fieldErrors = [] } = (body ?? {}) as FailureBody;
  const text = header?.resultMessage ?? response.statusText;
  const message = hint !== null && text.endsWith(hint) ? text.slice(0, -hint.length).trimEnd() : text;
  if (response.status === 401) signedOut.forEach((listener) => { listener(); });
  return new ApiError(response.status, errorCode, message, hint, fieldErrors);
}

client.setConfig({ baseUrl: "", throwOnError: true });
client.interceptors.error.use((body, response) => errorOf(body, response));

/** Returns the answer of a call; throws `ApiError`. */
export async function payload<T>(call: Promise<{ data?: T }>): Promise<T> {
  // The client throws what is no success; its types do not know that it was told to.
  return (await call).data as T;
}
