import { screen, within } from "@testing-library/react";
import { http, type JsonBodyType } from "msw";

import type { SampleView } from "@/lib/api/generated/types.gen";
import { tell } from "@/testing/eventSource";
import { renderPage } from "@/testing/render";
import { api, MACHINE, server, success } from "@/testing/server";

vi.mock("@/components/charts/Canvas", () => ({ default: () => null }));

const json = (value: unknown): JsonBodyType => value as JsonBodyType;
const sample = (fields: Partial<SampleView>): SampleView => ({
  datetime: "2026-01-31T08:00:00Z", cpu: null, memoryBytes: null, processes: null, diskReadBytesPerSecond: null, diskWrittenBytesPerSecond: null, networkReceivedBytesPerSecond: null, networkSentBytesPerSecond: null, gpu: null, gpuMemoryBytes: null, ...fields,
});
const used = (resourceId: string, name: string, fields: Partial<SampleView>) => ({ kind: "training", resourceId, name, member: "0", sample: sample(fields) });
const IDLE = used("t1", "idle", { cpu: 0.01, memoryBytes: 4 * 1024 ** 3 });
const BUSY = used("t2", "busy", { cpu: 3.5, memoryBytes: 1024 ** 3 });

function serve(currentList: unknown[]): URL[] {
  const asked: URL[] = [];
  server.use(
    http.get(api("/monitoring/current"), () => success({ currentList: json(currentList) })),
    http.get(api("/monitoring"), ({ request }) => {
      asked.push(new URL(request.url));
      const samples = [sample({ cpu: 1, memoryBytes: 1024 ** 3 }), sample({ datetime: "2026-01-31T08:00:10Z", cpu: 2.5, memoryBytes: 2 * 1024 ** 3 })];
      return success({ monitoring: json({ fromDatetime: "2026-01-31T07:00:00Z", toDatetime: "2026-01-31T08:00:10Z", stepSeconds: 10, memberList: [{ member: "", sampleList: samples }], peakList: [] }) });
    }),
  );
  return asked;
}

const names = () => within(screen.getByRole("table", { name: "What runs now" })).getAllByRole("link").map((link) => link.textContent);

describe("monitoring", () => {
  test("says in words what its charts show, and draws none of GPUs where there are none", async () => {
    serve([]);
    renderPage("/monitoring");
    expect(await screen.findByRole("img", { name: /^CPU\. .*2\.5 vCPU/ })).toBeInTheDocument();
    expect(screen.getByRole("img", { name: /^Memory\. .*2\.0 GiB/ })).toBeInTheDocument();
    expect(screen.queryByText("GPU memory")).not.toBeInTheDocument();
  });

  test("asks for the range of time that the address names", async () => {
    const asked = serve([]);
    renderPage("/monitoring?from=2026-01-01T00:00:00.000Z&to=2026-01-02T00:00:00.000Z");
    await screen.findByRole("img", { name: /^CPU/ });
    expect(asked[0]?.searchParams.get("from")).toBe("2026-01-01T00:00:00.000Z");
    expect(asked[0]?.searchParams.get("to")).toBe("2026-01-02T00:00:00.000Z");
  });

  test("lists what runs, the greediest first, by what somebody looks for", async () => {
    serve([IDLE, BUSY]);
    const { user } = renderPage("/monitoring");
    await screen.findByRole("link", { name: "busy" });
    expect(names()).toEqual(["busy", "idle"]);
    await user.click(screen.getByRole("button", { name: "Memory" }));
    expect(names()).toEqual(["idle", "busy"]);
    expect(screen.getByRole("columnheader", { name: "Memory" })).toHaveAttribute("aria-sort", "descending");
  });

  test("follows the samples of the stream", async () => {
    serve([IDLE]);
    renderPage("/monitoring");
    await screen.findByRole("link", { name: "idle" });
    tell("/changes", "sample", { currentList: [BUSY], machine: MACHINE });
    expect(await screen.findByText("3.5 vCPU")).toBeVisible();
    expect(screen.queryByRole("link", { name: "idle" })).not.toBeInTheDocument();
  });

  test("says GPU by GPU who holds it", async () => {
    serve([]);
    const holder = { kind: "training", id: "t2", name: "busy", node: "0", vcpus: 1, memoryMib: 1024, gpuUuidList: ["GPU-1"], sinceDatetime: "2026-01-31T08:00:00Z", isEnding: false };
    const gpu = { uuid: "GPU-1", index: "0", model: "H200", memoryMib: 143771, usedMemoryMib: 2048, isMig: false, stateCode: "BOOKED", message: null, bookedBy: holder, processList: [{ pid: 4711, name: "python", memoryMib: 1024 }] };
    server.use(http.get(api("/machine"), () => success({ machine: json({ ...MACHINE, gpuList: [gpu] }) })));
    renderPage("/monitoring");
    const region = await screen.findByRole("region", { name: "GPUs" });
    expect(await within(region).findByRole("link", { name: "busy" })).toHaveAttribute("href", "/trainings/t2");
    expect(within(region).getByText("python (PID 4711) · 1.0 GiB")).toBeVisible();
  });
});
