/** Uploads go on while somebody looks at other pages, two at a time, and tell how far they are. */
import type { QueryClient } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { errorOf } from "@/lib/api/client";
import { contentUrl } from "@/lib/storage";

export type UploadState = "waiting" | "sending" | "done" | "failed" | "stopped";

export interface Upload {
  id: number;
  name: string;
  uri: string;
  size: number;
  sent: number;
  state: UploadState;
  error: Error | null;
}

const AT_ONCE = 2;

/** Sends one file as the body of a request; `fetch` cannot tell how much of it has gone. */
function send(uri: string, file: File, onProgress: (sent: number) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", contentUrl(uri));
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => { onProgress(event.loaded); });
    request.addEventListener("load", () => {
      if (request.status < 300) { resolve(); return; }
      let body: unknown = null;
      try { body = JSON.parse(request.responseText); } catch { /* Then the status says what there is to say. */ }
      reject(errorOf(body, new Response(null, { status: request.status, statusText: request.statusText })));
    });
    request.addEventListener("error", () => { reject(errorOf(null, undefined)); });
    request.addEventListener("abort", () => { resolve(); });
    signal.addEventListener("abort", () => { request.abort(); });
    request.send(file);
  });
}

class Uploads {
  private all: readonly Upload[] = [];
  private readonly files = new Map<number, { file: File; abort: AbortController }>();
  private readonly listeners = new Set<() => void>();
  private last = 0;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  list = (): readonly Upload[] => this.all;

  /** Begins to send files; each with the address that it will have. */
  add(client: QueryClient, files: readonly { file: File; name: string; uri: string }[]): void {
    for (const { file, name, uri } of files) {
      const id = ++this.last;
      this.files.set(id, { file, abort: new AbortController() });
      this.all = [...this.all, { id, name, uri, size: file.size, sent: 0, state: "waiting", error: null }];
    }
    this.next(client);
  }

  stop(id: number): void {
    this.change(id, { state: "stopped" });
    this.files.get(id)?.abort.abort();
  }

  /** Forgets what has ended. */
  clear(): void {
    this.all = this.all.filter(({ state }) => state === "waiting" || state === "sending");
    this.tell();
  }

  private next(client: QueryClient): void {
    const sending = this.all.filter(({ state }) => state === "sending").length;
    for (const { id, uri } of this.all.filter(({ state }) => state === "waiting").slice(0, AT_ONCE - sending)) {
      const found = this.files.get(id);
      if (found === undefined) continue;
      this.change(id, { state: "sending" });
      void send(uri, found.file, (sent) => { this.change(id, { sent }); }, found.abort.signal).then(
        () => { if (!found.abort.signal.aborted) this.change(id, { state: "done", sent: found.file.size }); },
        (error: unknown) => { this.change(id, { state: "failed", error: error as Error }); },
      ).finally(() => {
        this.files.delete(id);
        void client.invalidateQueries({ queryKey: ["storage", "objects"] });
        this.next(client);
      });
    }
    this.tell();
  }

  private change(id: number, change: Partial<Upload>): void {
    this.all = this.all.map((upload) => upload.id === id ? { ...upload, ...change } : upload);
    this.tell();
  }

  private tell(): void {
    this.listeners.forEach((listener) => { listener(); });
  }
}

const uploads = new Uploads();
window.addEventListener("beforeunload", (event) => {
  if (uploads.list().some(({ state }) => state === "waiting" || state === "sending")) event.preventDefault();
});

export function useUploads() {
  const client = useQueryClient();
  return {
    list: useSyncExternalStore(uploads.subscribe, uploads.list),
    add: (files: readonly { file: File; name: string; uri: string }[]) => { uploads.add(client, files); },
    stop: (id: number) => { uploads.stop(id); },
    clear: () => { uploads.clear(); },
  };
}
