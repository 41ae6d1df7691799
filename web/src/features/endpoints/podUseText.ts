import { mebibytes } from "@/lib/format";

import type { PodUse } from "./api/podUse";

/** "0.4 vCPU · 310 MiB" of what a pod uses now. */
export function podUseText(use: PodUse | undefined): string {
  if (use === undefined) return "–";
  const parts = [use.cpus === null ? null : `${use.cpus.toFixed(2)} vCPU`, use.memoryMib === null ? null : mebibytes(use.memoryMib)].filter(Boolean);
  return parts.join(" · ") || "–";
}
