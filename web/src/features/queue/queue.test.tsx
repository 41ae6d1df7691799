import { screen, within } from "@testing-library/react";
import { http, type JsonBodyType } from "msw";

import { tell } from "@/testing/eventSource";
import { renderPage } from "@/testing/render";
import { api, server, success } from "@/testing/server";

const running = { kind: "training", id: "t1", name: "resnet", node: "node-0", vcpus: 2, memoryMib: 4096, gpuUuidList: [], sinceDatetime: "2026-01-31T08:00:00Z", isEnding: false };
const waiting = {
  position: 1, kind: "stage", id: "s1", name: "live", vcpus: 4, memoryMib: 8192, gpuCount: 0, gpuModel: null, instanceCount: 1, sinceDatetime: "2026-01-31T08:00:00Z",
  reason: { code: "WAITING", message: "Waits for 4 vCPU." }, heldByList: [{ kind: "training", id: "t1", name: "resnet" }],
};

test("the queue says what waits, why and for whom, and is asked again when it changes (IT-L03)", async () => {
  let queue = { runningList: [running], waitingList: [waiting], waitingCount: 1 } as Record<string, unknown>;
  server.use(
    http.get(api("/queue"), () => success({ queue: queue as JsonBodyType })),
    http.get(api("/endpoint-stages/s1"), () => success({ endpointStage: { endpointId: "e1", endpointName: "iris", endpointStageId: "s1", endpointStageName: "live" } })),
  );
  renderPage("/queue");
  const line = await screen.findByRole("row", { name: /Waits for 4 vCPU/ });
  expect(within(line).getByRole("link", { name: "resnet" })).toHaveAttribute("href", "/trainings/t1");
  expect(await within(line).findByRole("link", { name: "iris / live" })).toHaveAttribute("href", "/endpoints/e1/stages/s1");
  queue = { runningList: [], waitingList: [], waitingCount: 0 };
  tell("/changes", "change", { changeList: [{ kind: "queue" }] });
  expect(await screen.findByText("Nothing holds CPUs, memory or GPUs now.")).toBeVisible();
});
