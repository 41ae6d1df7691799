/** The machine now: asked once, then kept up to date by the samples of the stream. */
import { skipToken, useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "./api/client";
import { getMachine, getSystem } from "./api/generated/sdk.gen";
import type { CurrentView, MachineView } from "./api/generated/types.gen";

/** What the stream's `sample` event carries: what every node uses, and the machine. */
export interface Sample {
  currentList: CurrentView[];
  machine: MachineView;
}

/** The newest sample; nothing until the first one comes. */
export const useSample = () => useQuery<Sample>({ queryKey: ["monitoring", "now"], queryFn: skipToken });

/** The machine as it was told last, by an answer or by a sample. */
export function useMachine() {
  const asked = useQuery({ queryKey: ["queue", "machine"], queryFn: async () => (await payload(getMachine({ path: PROJECT }))).machine });
  const told = useSample();
  return { ...asked, data: told.data !== undefined && told.dataUpdatedAt > asked.dataUpdatedAt ? told.data.machine : asked.data };
}

/** What the whole machine uses now, jobs or not. */
export const useMachineUse = () => useSample().data?.currentList.find(({ kind }) => kind === "machine")?.sample;

export const useSystem = () =>
  useQuery({ queryKey: ["system"], queryFn: async () => (await payload(getSystem({ path: PROJECT }))).system });
