import { screen, waitFor, within } from "@testing-library/react";
import { http, type JsonBodyType } from "msw";

import { renderPage } from "@/testing/render";
import { api, MACHINE, server, success } from "@/testing/server";

const calls = (success_: number, failure: number) => ({
  callCount: success_ + failure, successCount: success_, failureCount: failure, statusClassList: [], meanMs: null, p50Ms: null, p90Ms: null, p99Ms: null,
});
const endpoint = (name: string, succeeded: number, failed: number) =>
  ({ endpointId: `id-${name}`, endpointName: name, endpointStatusCode: "ACTIVE", calls: calls(succeeded, failed) });

const DASHBOARD = {
  serviceUsage: { trainingCount: 12, hyperparameterTuningCount: 3, endpointCount: 2 },
  topCpuList: [{
    kind: "training", resourceId: "t1", name: "resnet", flavorId: "f", flavorName: "m2.c4m8", current: 0.5, peak: 0.9,
    owner: { kind: "training", resourceId: "t1", name: "resnet" }, endpoint: null,
  }],
  topGpuList: [],
  failureList: [{
    kind: "training", resourceId: "t9", name: "iris", statusCode: "FAIL_TRAIN", datetime: "2026-01-31T08:00:00Z", reasonCode: "EXIT", message: "The entry point ended with exit code 3.", parent: null,
  }],
};

function serve(isEmpty = false): { periods: (string | null)[] } {
  const asked: { periods: (string | null)[] } = { periods: [] };
  const some = isEmpty ? [] : [{}];
  server.use(
    http.get(api("/dashboard"), () => success({ dashboard: DASHBOARD as JsonBodyType })),
    http.get(api("/queue"), () => success({ queue: { runningList: [], waitingList: [], waitingCount: 0 } })),
    http.get(api("/experiments"), () => success({ experimentList: some, nextCursor: null, totalCount: null })),
    http.get(api("/models"), () => success({ modelList: [], nextCursor: null, totalCount: null })),
    http.get(api("/endpoints"), () => success({ endpointList: [], nextCursor: null, totalCount: null })),
    http.get(api("/api-statistics/top"), ({ request }) => {
      asked.periods.push(new URL(request.url).searchParams.get("last"));
      return success({ apiStatistics: { fromDatetime: "", toDatetime: "", collectedDatetime: null, endpointList: [endpoint("chat", 90, 10), endpoint("iris", 40, 0)] } });
    }),
  );
  return asked;
}

describe("the dashboard", () => {
  test("counts what is done and what serves, and leads to it (DB-03…DB-05)", async () => {
    serve();
    renderPage("/");
    const usage = await screen.findByRole("region", { name: "Service usage" });
    expect(await within(usage).findByRole("link", { name: /Trainings\s*12 COMPLETE/ })).toHaveAttribute("href", "/trainings?status=COMPLETE");
    expect(within(usage).getByRole("link", { name: /Endpoints\s*2 ACTIVE/ })).toBeVisible();
  });

  test("shows how the calls of an endpoint ended once it is chosen, in a period of choice (DB-07…DB-09)", async () => {
    const asked = serve();
    const { user, router } = renderPage("/");
    const panel = await screen.findByRole("region", { name: "Most called endpoints" });
    const outcome = await within(panel).findByRole("status");
    expect(outcome).toHaveTextContent("Successes 90");
    expect(outcome).toHaveTextContent("Failures 10");
    await user.click(within(panel).getByRole("button", { name: /iris/ }));
    expect(within(panel).getByRole("status")).toHaveTextContent("Failures 0");
    expect(asked.periods).toEqual(["24h"]);
    await user.click(within(panel).getByRole("radio", { name: "7 days" }));
    await waitFor(() => { expect(asked.periods).toEqual(["24h", "7d"]); });
    expect(router.state.location.search).toBe("?period=7d");
  });

  test("tells what is behind a figure of use (DB-11, DB-L02)", async () => {
    serve();
    const { user } = renderPage("/");
    await user.hover(await screen.findByRole("button", { name: "resnet" }));
    expect(await screen.findByText("Training · m2.c4m8")).toBeVisible();
    expect(screen.getByText("At its highest: 90 %")).toBeVisible();
  });

  test("says what failed, and why", async () => {
    serve();
    renderPage("/");
    const failures = await screen.findByRole("region", { name: "Recent failures" });
    expect(await within(failures).findByText("The entry point ended with exit code 3.")).toBeVisible();
    expect(within(failures).getByRole("link", { name: "iris" })).toHaveAttribute("href", "/trainings/t9");
  });

  test("names who holds a GPU (DB-L03)", async () => {
    serve();
    const gpu = {
      uuid: "GPU-1", index: "0", model: "H200", memoryMib: 1024, usedMemoryMib: 512, isMig: false, stateCode: "BOOKED", message: null, processList: [],
      bookedBy: { kind: "training", id: "t1", name: "resnet", node: "node-0", vcpus: 1, memoryMib: 1, gpuUuidList: ["GPU-1"], sinceDatetime: "2026-01-31T08:00:00Z", isEnding: false },
    };
    server.use(http.get(api("/machine"), () => success({ machine: { ...MACHINE, gpuList: [gpu] } as unknown as JsonBodyType })));
    renderPage("/");
    const machine = await screen.findByRole("region", { name: "This machine" });
    expect(await within(machine).findByRole("link", { name: "resnet" })).toHaveAttribute("href", "/trainings/t1");
    expect(within(machine).getByText("BOOKED")).toBeVisible();
  });

  test("shows the first steps while there is nothing", async () => {
    serve(true);
    renderPage("/");
    expect(await screen.findByRole("heading", { name: "First steps" })).toBeVisible();
    expect(screen.queryByRole("region", { name: "Recent failures" })).not.toBeInTheDocument();
  });
});
