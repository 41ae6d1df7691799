/** Words of a command line and of a program, quoted as shells and Python want them. */

/** One word for a shell. */
export const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** A command line: options without a value are left out; `true` stands for a flag. Long ones go on in a line of their own. */
export function commandLine(words: readonly string[], options: readonly (readonly [string, string | number | boolean | null | undefined])[]): string {
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

/** A call with named arguments, one a line; those without a value are left out. */
export function pythonCall(callee: string, parameters: readonly (readonly [string, unknown])[]): string {
  const given = parameters.filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (given.length === 0) return `${callee}()`;
  return `${callee}(\n${given.map(([name, value]) => `    ${name}=${value instanceof Code ? value.text : pythonValue(value)},\n`).join("")})`;
}

/** A piece of a program that stands as it is. */
export class Code {
  constructor(readonly text: string) {}
}
