/** Addresses in storage (GN-07, GN-09), and what lies there. Files change without the stream's knowledge: asked anew each time. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { payload, PROJECT } from "./api/client";
import { changeContainerAccess, listContainerAccess, listContainers, listObjects } from "./api/generated/sdk.gen";

const OBS = /^obs:\/\/[^/]+\/v[0-9.]+\/AUTH_[^/]+\/?(.*)$/;
const NAS = /^nas:\/\/([^/:]+):\/(.*)$/;
const OBS_ROOT = "obs://local/v1/AUTH_local/";

/** A container or NAS, and the names below it. */
export interface Place {
  kind: "obs" | "nas";
  root: string;
  parts: readonly string[];
}

const names = (path: string): string[] => path.split("/").filter((name) => name !== "");

/** Takes an address apart; a text without a scheme begins with a container. null: no container or NAS is named yet. */
export function placeOf(text: string): Place | null {
  const nas = NAS.exec(text);
  if (nas !== null) return { kind: "nas", root: nas[1] ?? "", parts: names(nas[2] ?? "") };
  if (text.includes("://") && !OBS.test(text)) return null;
  const [root, ...parts] = names(OBS.exec(text)?.[1] ?? text);
  return root === undefined ? null : { kind: "obs", root, parts };
}

/** The address of a place. */
export function uriOf({ kind, root, parts }: Place): string {
  return kind === "nas" ? `nas://${root}:/${parts.join("/")}` : OBS_ROOT + [root, ...parts].join("/");
}

/** A place below another. */
export const below = (place: Place, name: string): Place => ({ ...place, parts: [...place.parts, ...names(name)] });

/** Where addresses begin: containers, then NAS directories. */
export const rootsQuery = () => queryOptions({
  queryKey: ["storage", "roots"], staleTime: 0,
  queryFn: async (): Promise<Place[]> => {
    const { containerList, nasList } = await payload(listContainers({ path: PROJECT }));
    return [
      ...containerList.map((root): Place => ({ kind: "obs", root, parts: [] })), ...nasList.map(({ nasId: root }): Place => ({ kind: "nas", root, parts: [] })),
    ];
  },
});

export const accessQuery = () => queryOptions({
  queryKey: ["storage", "access"], staleTime: 0, queryFn: () => payload(listContainerAccess({ path: PROJECT })),
});

/** The entries of a folder, or with `recursive` everything below it. */
export const objectsQuery = (uri: string, recursive = false) => queryOptions({
  queryKey: ["storage", "objects", uri, recursive], staleTime: 0,
  queryFn: async () => (await payload(listObjects({ path: PROJECT, query: { uri, recursive } }))).objectList,
});

export interface AccessChange {
  container: string;
  read?: boolean;
  write?: boolean;
}

/** Puts the system account on the access lists of a container, or takes it off (OS-10). */
export function useChangeAccess() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ container, ...body }: AccessChange) => payload(changeContainerAccess({ path: { ...PROJECT, container }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["storage", "access"] }),
  });
}

/** Where the bytes of a file are read and written. */
export const contentUrl = (uri: string): string => `/v1.0/appkeys/${PROJECT.appkey}/storage/content?uri=${encodeURIComponent(uri)}`;
