/** Words of a command line and of a program, quoted as shells and Python want them. */

/** One word for a shell. */
export const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

export type Options = readonly (readonly [string, string | number | boolean | null | undefined])[];

/** A command line: options without a value are left out; `true` stands for a flag. Several options have a line each. */
export function commandLine(words: readonly string[], options: Options): string {
  const given = options.filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false);
  const parts = given.map(([name, value]) => (value === true ? name : `${name} ${shellWord(String(value))}`));
  const head = words.map((word, index) => (index === 0 ? word : shellWord(word))).join(" ");
  return parts.length === 0 ? head : [head, ...parts].join(parts.length > 1 ? " \\\n    " : " ");
}

/** A value as Python writes it. */
export function pythonValue(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(pythonValue).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${pythonValue(each)}`).join(", ")}}`;
  return JSON.stringify(value);
}

/** A piece of a program that stands as it is. */
export class Code {
  constructor(readonly text: string) {}
}

/** A text that stands there even if it is empty. */
export const pythonText = (text: string | null | undefined): Code => new Code(pythonValue(text ?? ""));

type Parameters = readonly (readonly [string, unknown])[];

/** Named arguments; those without a value are left out. */
const argumentsOf = (parameters: Parameters): string[] => parameters
  .filter(([, value]) => value !== undefined && value !== null && value !== "")
  .map(([name, value]) => `${name}=${value instanceof Code ? value.text : pythonValue(value)}`);

/** A call with named arguments, one a line. */
export function pythonCall(callee: string, parameters: Parameters): string {
  const given = argumentsOf(parameters);
  return given.length === 0 ? `${callee}()` : `${callee}(\n${given.map((each) => `    ${each},\n`).join("")})`;
}

/** A call that is an argument of another. */
export const pythonObject = (callee: string, parameters: Parameters): Code => new Code(`${callee}(${argumentsOf(parameters).join(", ")})`);

/** A list of such calls, one a line; null if it is empty. */
export const pythonList = (items: readonly Code[]): Code | null =>
  (items.length === 0 ? null : new Code(`[\n${items.map(({ text }) => `        ${text},\n`).join("")}    ]`));
