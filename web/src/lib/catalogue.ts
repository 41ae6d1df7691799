/** Images, flavors and experiments to choose from. The first two change only with the daemon. */
import { queryOptions } from "@tanstack/react-query";

import { payload, PROJECT } from "./api/client";
import { getImagePreparation, listExperiments, listFlavors, listImages } from "./api/generated/sdk.gen";
import type { FlavorView, MachineView } from "./api/generated/types.gen";

/** Images of a group, such as TRAINING. */
export const imagesQuery = (group: string) => queryOptions({
  queryKey: ["image", "list", { group }],
  queryFn: async () => (await payload(listImages({ path: PROJECT, query: { groupTypeCodeList: [group] } }))).imageList,
});

/** Whether an image is prepared, and how far a preparation has come. */
export const preparationQuery = (imageId: string) => queryOptions({
  queryKey: ["image", "preparation", imageId],
  queryFn: async () => (await payload(getImagePreparation({ path: { ...PROJECT, image_id: imageId } }))).preparation,
});

export const flavorsQuery = () => queryOptions({
  queryKey: ["system", "flavors"], queryFn: async () => (await payload(listFlavors({ path: PROJECT }))).flavorList,
});

// More than anybody looks through; a longer list is searched by typing.
const EXPERIMENT_ROWS = 50;

/** Experiments whose name contains `keyword`, newest first. */
export const experimentsQuery = (keyword: string) => queryOptions({
  queryKey: ["experiment", "list", { keyword, choice: true }],
  queryFn: async () => (await payload(listExperiments({ path: PROJECT, query: { keyword: keyword || undefined, limit: EXPERIMENT_ROWS } }))).experimentList,
});

/** Whether instances fit: at once, after others have ended, or never on this machine. */
export type Fit = "now" | "waits" | "never";

/** How `count` instances of a flavor fit; all of them are admitted together (TR-L01). */
export function fitOf(flavor: FlavorView, count: number, machine: MachineView): Fit {
  const gpus = machine.gpuList.filter((gpu) => flavor.gpuModel == null || gpu.model === flavor.gpuModel);
  const usable = gpus.filter((gpu) => gpu.stateCode !== "UNAVAILABLE");
  const [vcpus, memory, devices] = [flavor.vcpus * count, flavor.ram * count, flavor.gpuCount * count];
  if (vcpus > machine.vcpus || memory > machine.memoryMib || devices > usable.length) return "never";
  const free = usable.filter((gpu) => gpu.stateCode === "FREE").length;
  return vcpus <= machine.freeVcpus && memory <= machine.freeMemoryMib && devices <= free ? "now" : "waits";
}
