import type { SystemView } from "@/lib/api/generated/types.gen";

// The SDK's local profile knows this address by itself.
const SDK_URL = "http://127.0.0.1:10090";

/** What a shell needs for the SDK, as `easymaker-local env` prints it; the token is read when the lines are run. */
export function environmentLines({ apiUrl, appKey, region, tenantId }: SystemView): string {
  const direct = [new URL(apiUrl).hostname, "127.0.0.1", "localhost"].filter((name, place, all) => all.indexOf(name) === place).join(",");
  return [
    "export EM_PROFILE=local",
    apiUrl === SDK_URL ? "unset EM_API_URL" : `export EM_API_URL=${apiUrl}`,
    `export EM_APPKEY=${appKey}`,
    `export EM_REGION=${region}`,
    'export EM_TOKEN="$(easymaker-local token show)"',
    `export EM_GROUP_ID=${tenantId}`,
    `export NO_PROXY="\${NO_PROXY:+$NO_PROXY,}${direct}" no_proxy="\${no_proxy:+$no_proxy,}${direct}"`,
  ].join("\n");
}
