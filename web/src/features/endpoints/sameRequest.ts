/** The same request to an endpoint as a command line and as a program. */
import { pythonValue, shellWord } from "@/lib/words";

export interface EndpointRequest {
  url: string;
  method: string;
  body: string;
  needsKey: boolean;
}

// The authority that signs the gateway's certificate is this appliance's own.
const BUNDLE = "~/.local/share/easymaker-local/tls/bundle.pem";

export function asCurl({ url, method, body, needsKey }: EndpointRequest): string {
  const parts = [
    `curl --cacert ${BUNDLE} ${shellWord(url)}`,
    ...(method === "POST" || (method === "GET" && body === "") ? [] : [`-X ${method}`]),
    ...(needsKey ? ['-H "x-nhn-apikey: $KEY"'] : []),
    ...(body === "" ? [] : ["-H 'content-type: application/json'", `-d ${shellWord(body)}`]),
  ];
  return parts.join(" \\\n    ");
}

export function asPython({ url, method, body, needsKey }: EndpointRequest): string {
  const lines = ["import os", "", "import requests", "", "answer = requests.request(", `    ${pythonValue(method)}, ${pythonValue(url)},`];
  if (needsKey) lines.push('    headers={"x-nhn-apikey": os.environ["KEY"]},');
  if (body !== "") lines.push(`    json=${jsonInPython(body)},`);
  lines.push(`    verify=os.path.expanduser(${pythonValue(BUNDLE)}),`, ")", "print(answer.status_code, answer.json())");
  return lines.join("\n");
}

function jsonInPython(body: string): string {
  try {
    return pythonValue(JSON.parse(body));
  } catch {
    return pythonValue(body);
  }
}
