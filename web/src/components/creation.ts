/** What creation forms share: the server's own schema and checks while somebody types, and drafts that survive a closed tab. */
import { schemaResolver, useForm, type UseFormReturnType } from "@mantine/form";
import { useDebouncedCallback } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import type { ZodType } from "zod";

import { ApiError } from "@/lib/api/client";

const CHECK_MS = 400;

export interface Creation<Body extends object> {
  form: UseFormReturnType<Body>;
  /** What was refused and belongs to no field. */
  error: Error | null;
  isSending: boolean;
  /** True if what is shown was typed before, and left. */
  isDraft: boolean;
  discardDraft: () => void;
  submit: () => void;
}

export interface CreationOptions<Body extends object> {
  /** What drafts are remembered under; another one per source that the form is filled from. */
  name: string;
  initial: Body;
  /** The request as the server reads it: the generated schema of the body. */
  schema: ZodType;
  /** Asks the server whether it would take this; throws `ApiError` with the fields at fault. */
  check?: (body: Body) => Promise<unknown>;
  create: (body: Body) => Promise<unknown>;
}

const SECRET = /token|secret|password|key/i;

/** A draft as it is kept: values of parameters whose names say that they are secrets are not. */
function draftText(values: object): string {
  return JSON.stringify(values, (_, value: unknown) => {
    const isSecret = value !== null && typeof value === "object" && "parameterName" in value && SECRET.test(String(value.parameterName));
    return isSecret ? { ...value, parameterValue: "" } : value;
  });
}

function readDraft<Body>(key: string): Body | null {
  const text = localStorage.getItem(key);
  try {
    return text === null ? null : (JSON.parse(text) as Body);
  } catch {
    localStorage.removeItem(key);
    return null;
  }
}

/** Empty texts and empty objects are what nobody filled in: they are left out of the request. */
export function withoutEmpty<T>(value: T): T {
  if (Array.isArray(value)) return value.map((each: unknown) => withoutEmpty(each)) as T;
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).map(([key, each]) => [key, withoutEmpty(each as unknown)] as const)
    .filter(([, each]) => each !== "" && each !== null && each !== undefined);
  return Object.fromEntries(kept) as T;
}

const errorsOf = (error: ApiError): Record<string, string> =>
  Object.fromEntries(error.fields.map((fault) => [fault.field, fault.message]));

/** The state of a creation form whose values are the request's body. */
export function useCreation<Body extends object>({ name, initial, schema, check, create }: CreationOptions<Body>): Creation<Body> {
  const key = `draft-${name}`;
  const [draft] = useState(() => readDraft<Body>(key));
  const [isDraft, setIsDraft] = useState(draft !== null);
  const [error, setError] = useState<Error | null>(null);
  const [isSending, setSending] = useState(false);
  const resolve = schemaResolver(schema as never, { sync: true });
  // Faults of fields that nobody has come to are not told: an empty form is not wrong yet.
  const asked = useRef(false);
  // What was asked before a creation, or before another check, says nothing any more.
  const turn = useRef(0);
  const form = useForm<Body>({
    initialValues: draft === null ? initial : { ...initial, ...draft },
    validate: (values) => resolve(withoutEmpty(values) as never) as never,
    onValuesChange: (values) => {
      localStorage.setItem(key, draftText(values));
      askServer(values);
    },
  });
  const askServer = useDebouncedCallback((values: Body) => {
    turn.current += 1;
    const mine = turn.current;
    const body = withoutEmpty(values);
    const own = resolve(body as never) as Record<string, string>;
    const tell = (errors: Record<string, string>): void => {
      if (mine !== turn.current) return;
      form.setErrors(Object.fromEntries(Object.entries(errors).filter(([field]) => asked.current || form.isTouched(field))));
    };
    if (Object.keys(own).length > 0 || check === undefined) {
      tell(own);
      return;
    }
    check(body).then(() => { tell({}); }, (refusal: unknown) => { if (refusal instanceof ApiError) tell(errorsOf(refusal)); });
  }, CHECK_MS);
  const endChecks = (): void => {
    askServer.cancel();
    turn.current += 1;
  };
  const forget = (): void => {
    endChecks();
    localStorage.removeItem(key);
  };
  useEffect(() => askServer.cancel, [askServer]);

  return {
    form, error, isSending, isDraft,
    discardDraft: () => {
      form.setValues(initial);
      form.clearErrors();
      forget();
      setIsDraft(false);
    },
    submit: () => {
      asked.current = true;
      endChecks();
      if (form.validate().hasErrors) return;
      setSending(true);
      setError(null);
      create(withoutEmpty(form.getValues())).then(forget, (refusal: unknown) => {
        if (refusal instanceof ApiError && refusal.fields.length > 0) form.setErrors(errorsOf(refusal));
        setError(refusal as Error);
      }).finally(() => { setSending(false); });
    },
  };
}
