/** The machine now: asked once, then kept up to date by the samples of the stream. */
import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "./api/client";
import { getMachine, getSystem } from "./api/generated/sdk.gen";

export const useMachine = () =>
  useQuery({ queryKey: ["queue", "machine"], queryFn: async () => (await payload(getMachine({ path: PROJECT }))).machine });

export const useSystem = () =>
  useQuery({ queryKey: ["system"], queryFn: async () => (await payload(getSystem({ path: PROJECT }))).system });
