import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";

import { renderPage } from "@/testing/render";
import { api, refusal, server, success } from "@/testing/server";

import { ENDPOINT, MODEL, NEXT, PREVIEW, stageOf } from "./testing";

const shown = (endpoint: object) => http.get(api("/endpoints/e1"), () => success({ endpoint: endpoint as never }));
const METADATA = JSON.stringify({ name: "iris", platform: "sklearn", inputs: [{ name: "x", datatype: "FP64", shape: [-1, 4] }], outputs: [] });

/** Answers to requests of the page to a stage; everything that was sent is noted. */
function answering(stageId: string, answers: (sent: { method: string; resourcePath: string; body: string | null }) => { statusCode: number; body: string }) {
  const sent: { method: string; resourcePath: string; body: string | null }[] = [];
  server.use(http.post(api(`/endpoint-stages/${stageId}/try`), async ({ request }) => {
    const body = (await request.json()) as (typeof sent)[number];
    sent.push(body);
    return success({ tried: { headerList: [], bodyEncoding: "TEXT", isBodyCut: false, milliseconds: 12.5, ...answers(body) } });
  }));
  return sent;
}

test("an endpoint with other stages cannot be deleted, and names them (EP-36)", async () => {
  server.use(shown(ENDPOINT));
  const { user } = renderPage("/endpoints/e1");
  const button = await screen.findByRole("button", { name: "Delete" });
  expect(button).toHaveAttribute("aria-disabled", "true");
  await user.hover(button);
  expect(await screen.findByText("It has other stages: next. Delete them first.")).toBeVisible();
});

test("a deletion says that URLs stop answering (EP-37)", async () => {
  const deleted: string[] = [];
  server.use(
    shown({ ...ENDPOINT, endpointStageList: [stageOf()] }),
    http.get(api("/endpoints"), () => success({ endpointList: [], nextCursor: null, totalCount: 0 })),
    http.delete(api("/endpoints/:id"), ({ params }) => { deleted.push(String(params.id)); return success(); }),
  );
  const { user, router } = renderPage("/endpoints/e1");
  await user.click(await screen.findByRole("button", { name: "Delete" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText("https://127.0.0.1:10443/shop stops answering. Who calls it gets errors.")).toBeVisible();
  expect(deleted).toEqual([]);
  await user.click(within(dialog).getByRole("button", { name: "Delete" }));
  await waitFor(() => { expect(router.state.location.pathname).toBe("/endpoints"); });
  expect(deleted).toEqual(["e1"]);
});

test("a change of the default stage that has no room needs to be told that requests wait (EP-L02)", async () => {
  const bodies: unknown[] = [];
  server.use(
    shown(ENDPOINT),
    http.get(api("/endpoints/e1/default-stage/preview"), () => success({
      defaultStagePreview: {
        newStage: { endpointStageId: "s2", endpointStageName: "next", endpointStageStatusCode: "CREATE_REQUESTED" },
        deletedStage: { endpointStageId: "s1", endpointStageName: "default", endpointStageStatusCode: "ACTIVE" },
        isPossible: true, refusal: null, needsStopFirst: true, fitsBesideDefault: false, fit: null, waitSeconds: 8,
      },
    })),
    http.put(api("/endpoints/e1/default-stage"), async ({ request }) => { bodies.push(await request.json()); return success({ endpoint: ENDPOINT as never }); }),
  );
  const { user } = renderPage("/endpoints/e1");
  await user.click(await screen.findByRole("button", { name: "Change the default stage" }));
  const dialog = await screen.findByRole("dialog");
  expect(await within(dialog).findByText(/The stage default is deleted with all its stage resources/)).toBeVisible();
  const change = within(dialog).getByRole("button", { name: "Change the default stage" });
  expect(change).toBeDisabled();
  await user.click(within(dialog).getByRole("checkbox", { name: "Delete the present default stage first" }));
  await user.click(change);
  await waitFor(() => { expect(bodies).toEqual([{ endpointStageId: "s2", stopFirst: true }]); });
});

test("Try it asks with an example of what the model takes, and shows what came back", async () => {
  server.use(shown({ ...ENDPOINT, endpointStageList: [stageOf()] }));
  const sent = answering("s1", ({ method }) => (method === "GET" ? { statusCode: 200, body: METADATA } : { statusCode: 200, body: '{"predictions": [2]}' }));
  const { user } = renderPage("/endpoints/e1?tab=try");
  const body = await screen.findByRole("textbox", { name: "Body" });
  await waitFor(() => { expect(JSON.parse(screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Body" }).value)).toEqual({ instances: [[0.5, 0.5, 0.5, 0.5]] }); });
  expect(body).toBeDefined();
  await user.click(screen.getByRole("button", { name: "Send" }));
  const answer = await screen.findByRole("region", { name: "Answer" });
  expect(within(answer).getByText("200")).toBeVisible();
  expect(within(answer).getByText("12.5 ms")).toBeVisible();
  expect(within(answer).getByText(/"predictions": \[2\]/)).toBeVisible();
  expect(sent.at(-1)).toMatchObject({ method: "POST", resourcePath: "/iris/v1/models/iris/predict" });
  expect(screen.getByText(/curl --cacert .*https:\/\/127.0.0.1:10443\/shop\/iris\/v1\/models\/iris\/predict/s)).toBeVisible();
});

test("the form of an endpoint has the model chosen, shows what it takes, and puts faults at their fields (GN-15)", async () => {
  const bodies: unknown[] = [];
  server.use(
    http.get(api("/models"), () => success({ modelList: [MODEL] as never, nextCursor: null, totalCount: 1 })),
    http.get(api("/models/m1"), () => success({ model: MODEL as never })),
    http.get(api("/endpoints"), () => success({ endpointList: [], nextCursor: null, totalCount: 0 })),
    http.get(api("/flavors"), () => success({ flavorList: [PREVIEW.flavor] as never })),
    http.post(api("/endpoints/check"), () => success()),
    http.post(api("/endpoint-stages/preview"), () => success({ endpointStagePreview: PREVIEW as never })),
    http.post(api("/endpoints"), async ({ request }) => {
      bodies.push(await request.json());
      return refusal(422, "endpointName: is taken", [{ field: "endpointName", message: "is taken by endpoint e1" }]);
    }),
  );
  const { user } = renderPage("/endpoints/new?model=m1");
  const name = await screen.findByRole("textbox", { name: /Endpoint name/ });
  await user.type(name, "shop");
  await user.click(screen.getByRole("combobox", { name: /Instance type/ }));
  await user.click(await screen.findByRole("option", { name: /m2.c1m2/ }));
  const preview = screen.getByRole("region", { name: "What it takes" });
  expect(await within(preview).findByText("Would wait")).toBeVisible();
  expect(within(preview).getByText(/held by chat/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Create an endpoint" }));
  await waitFor(() => { expect(name).toHaveAccessibleDescription(/is taken by endpoint e1/); });
  expect(bodies).toEqual([expect.objectContaining({ endpointName: "shop", flavorId: "f1", endpointModelResourceList: [{ modelId: "m1", podCount: 1, resourceOptionDetail: {} }] })]);
});

test("the last model of a stage stays (SR-26)", async () => {
  server.use(
    shown(ENDPOINT), http.get(api("/endpoint-stages/s2"), () => success({ endpointStage: NEXT as never })),
  );
  const { user } = renderPage("/endpoints/e1/stages/s2?tab=resources");
  const button = await screen.findByRole("button", { name: "Delete stage resource" });
  expect(button).toHaveAttribute("aria-disabled", "true");
  await user.hover(button);
  expect(await screen.findByText("It is the last one of its stage. Delete the stage instead.")).toBeVisible();
});

test("the log of a pod, also of one that is gone, is had as a file (LG-L04)", async () => {
  const log = (podId: string, podStatusCode: string) => ({ podId, modelName: "iris", podStatusCode, logSize: 6, writtenDatetime: "2026-01-31T08:00:00Z" });
  server.use(
    shown(ENDPOINT),
    http.get(api("/endpoint-stages/s1"), () => success({ endpointStage: stageOf() as never })),
    http.get(api("/endpoint-stages/s1/pod-logs"), () => success({ podLogList: [log("p1", "GONE"), log("p2", "ACTIVE")] })),
    http.get(api("/endpoint-stages/s1/pods/:pod/log"), () => success({ log: { offset: 0, nextOffset: 6, content: "ready\n", isComplete: true } })),
  );
  renderPage("/endpoints/e1/stages/s1?tab=logs&pod=p1");
  const link = await screen.findByRole("link", { name: "Download" });
  expect(link).toHaveAttribute("href", "/v1.0/appkeys/local/endpoint-stages/s1/pods/p1/log/raw");
  expect(link).toHaveAttribute("download");
});
