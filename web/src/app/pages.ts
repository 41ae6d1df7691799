import type { QueryClient } from "@tanstack/react-query";
import type { ComponentType } from "react";

interface Page {
  default: ComponentType;
  /** Asks the daemon for what the page shows first, unless that is known; `search`: what its address says. */
  preload?: (client: QueryClient, search: URLSearchParams) => void;
}

/** Every page by its path; each is loaded when somebody goes there, or when nothing else is to be done. */
export const PAGES: Readonly<Record<string, () => Promise<Page>>> = {
  "": () => import("./routes/dashboard"),
  "experiments": () => import("./routes/experiments/list"),
  "experiments/new": () => import("./routes/experiments/create"),
  "experiments/:id": () => import("./routes/experiments/detail"),
  "trainings": () => import("./routes/trainings/list"),
  "trainings/new": () => import("./routes/trainings/create"),
  "trainings/compare": () => import("./routes/trainings/compare"),
  "trainings/:id": () => import("./routes/trainings/detail"),
  "templates": () => import("./routes/templates/list"),
  "templates/new": () => import("./routes/templates/create"),
  "templates/:id": () => import("./routes/templates/detail"),
  "tunings": () => import("./routes/tunings/list"),
  "tunings/new": () => import("./routes/tunings/create"),
  "tunings/:id": () => import("./routes/tunings/detail"),
  "models": () => import("./routes/models/list"),
  "models/new": () => import("./routes/models/create"),
  "models/:id": () => import("./routes/models/detail"),
  "endpoints": () => import("./routes/endpoints/list"),
  "endpoints/new": () => import("./routes/endpoints/create"),
  "endpoints/:id": () => import("./routes/endpoints/detail"),
  "endpoints/:id/stages/new": () => import("./routes/endpoints/createStage"),
  "endpoints/:id/stages/:stageId": () => import("./routes/endpoints/stage"),
  "images": () => import("./routes/images"),
  "storage": () => import("./routes/storage"),
  "queue": () => import("./routes/queue"),
  "logs": () => import("./routes/logs"),
  "monitoring": () => import("./routes/monitoring"),
  "disk": () => import("./routes/disk"),
  "settings": () => import("./routes/settings"),
};

/** Prepares a page of the navigation while the pointer or the focus is on its link. */
export function preload(path: string, client: QueryClient): void {
  // What cannot be loaded now is said when somebody goes there.
  prepare(PAGES[path.slice(1)], client).catch(() => undefined);
}

async function prepare(load: (() => Promise<Page>) | undefined, client: QueryClient): Promise<void> {
  (await load?.())?.preload?.(client, new URLSearchParams());
}

/** Prepares all pages, one after the other, whenever the browser has nothing to do; returns what ends that. */
export function prepareWhenIdle(client: QueryClient): () => void {
  // Not in every browser: pages are loaded as somebody goes there then.
  if (!("requestIdleCallback" in window)) return () => undefined;
  const waiting = Object.values(PAGES);
  let handle = 0;
  const next = (): void => {
    const load = waiting.shift();
    if (load !== undefined) handle = requestIdleCallback(() => { prepare(load, client).then(next, () => undefined); });
  };
  next();
  return () => { waiting.length = 0; cancelIdleCallback(handle); };
}
