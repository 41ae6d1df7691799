/** The same request to an endpoint as a command line and as a program. */
import { pythonValue, shellWord } from "@/lib/words";

import { asksForStream } from "./protocol";

export interface EndpointRequest {
  url: string;
  method: string;
  body: string;
  needsKey: boolean;
  /** The file of the authority that signs the gateway's certificate: this appliance's own. */
  authority: string;
}

export function asCurl({ url, method, body, needsKey, authority }: EndpointRequest): string {
  const parts = [
    `curl ${asksForStream(body) ? "--no-buffer " : ""}--cacert ${shellWord(authority)} ${shellWord(url)}`,
    ...(method === "POST" || (method === "GET" && body === "") ? [] : [`-X ${method}`]),
    ...(needsKey ? ['-H "x-nhn-apikey: $KEY"'] : []),
    ...(body === "" ? [] : ["-H 'content-type: application/json'", `-d ${shellWord(body)}`]),
  ];
  return parts.join(" \\\n    ");
}

export function asPython({ url, method, body, needsKey, authority }: EndpointRequest): string {
  const lines = [...(needsKey ? ["import os", ""] : []), "import requests", "", "answer = requests.request(", `    ${pythonValue(method)}, ${pythonValue(url)},`];
  if (needsKey) lines.push('    headers={"x-nhn-apikey": os.environ["KEY"]},');
  if (body !== "") lines.push(`    json=${jsonInPython(body)},`);
  lines.push(`    verify=${pythonValue(authority)},`);
  if (asksForStream(body)) lines.push("    stream=True,", ")", "for line in answer.iter_lines():", "    print(line.decode())");
  else lines.push(")", "print(answer.status_code, answer.json())");
  return lines.join("\n");
}

function jsonInPython(body: string): string {
  try {
    return pythonValue(JSON.parse(body));
  } catch {
    return pythonValue(body);
  }
}
