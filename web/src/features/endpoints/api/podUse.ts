import { useCurrentUse } from "@/lib/currentUse";

/** What a pod uses now: vCPUs, and memory in MiB. */
export interface PodUse {
  cpus: number | null;
  memoryMib: number | null;
}

const MIB = 1024 ** 2;

/** Use of the pods of a stage now, by `{resource id}-{number}`, the name of a pod's place in monitoring. */
export function usePodUse(stageId: string): ReadonlyMap<string, PodUse> {
  const { uses = [] } = useCurrentUse();
  return new Map(uses.filter((each) => each.resourceId === stageId).map(({ member, sample }) => [
    member, { cpus: sample.cpu, memoryMib: sample.memoryBytes === null ? null : sample.memoryBytes / MIB },
  ]));
}

export const placeOf = (pod: { endpointModelId: string; number: number }): string => `${pod.endpointModelId}-${String(pod.number)}`;
