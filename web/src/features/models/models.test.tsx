import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";

import { renderPage } from "@/testing/render";
import { api, refusal, server, success } from "@/testing/server";

const MODEL = {
  modelId: "model-iris", modelName: "iris", modelStatusCode: "ACTIVE", modelFormatCode: "SKLEARN", modelTypeCode: "SKLEARN", frameworkCode: null, formatCode: null,
  statusReason: null, description: null, appKey: "local", createdDatetime: "2026-01-31T08:00:00Z", frameworkVersion: null, modelUploadUri: "obs://local/v1/AUTH_local/demo/models/iris",
  revision: null, training: null, hyperparameterTuning: null, trial: null, fineTuning: null, parameterList: [], tagList: [], fileCount: 1, totalBytes: 991, endpointList: [], isFinished: true,
};
const LOST = { ...MODEL, modelId: "model-lost", modelName: "lost", modelStatusCode: "CREATE_FAILED", statusReason: { code: "ARTIFACT_MISSING", message: "There is nothing at obs://x." } };
const USED = { ...MODEL, endpointList: [{ endpointId: "e1", endpointName: "shop", endpointStatusCode: "ACTIVE", apigwStageName: "default" }] };

const listed = (...models: object[]) => http.get(api("/models"), () => success({ modelList: models as never, nextCursor: null, totalCount: models.length }));
const one = (model: { modelId: string }) => http.get(api(`/models/${model.modelId}`), () => success({ model: model as never }));

test("a list says what failed and why, and asks for what it is filtered by", async () => {
  const asked: string[] = [];
  server.use(http.get(api("/models"), ({ request }) => {
    const query = new URL(request.url).searchParams;
    asked.push(query.get("keyword") ?? "");
    const rows = query.get("keyword") === "lo" ? [LOST] : [LOST, MODEL];
    return success({ modelList: rows as never, nextCursor: null, totalCount: rows.length });
  }));
  const { user, router } = renderPage("/models");
  expect(await screen.findByRole("link", { name: "iris" })).toBeVisible();
  const row = screen.getByRole("link", { name: "lost" }).closest<HTMLElement>('[role="row"]');
  expect(within(row as HTMLElement).getByText("CREATE FAILED")).toBeVisible();
  expect(within(row as HTMLElement).getByText("There is nothing at obs://x.")).toBeVisible();
  await user.type(screen.getByRole("searchbox", { name: "Search" }), "lo");
  await waitFor(() => { expect(screen.queryByRole("link", { name: "iris" })).not.toBeInTheDocument(); });
  expect(asked.at(-1)).toBe("lo");
  expect(router.state.location.search).toContain("keyword=lo");
});

test("an empty list teaches the first step, and tells the account to which containers have to be granted (MD-16, OS-09)", async () => {
  server.use(listed());
  const { user } = renderPage("/models");
  expect(await screen.findByRole("heading", { name: "Models are what endpoints serve" })).toBeVisible();
  expect(screen.getByText(/easymaker-local model create iris --from-training iris/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "System account" }));
  const dialog = await screen.findByRole("dialog", { name: "AI EasyMaker system account information" });
  expect(within(dialog).getByText("API user ID").parentElement).toHaveTextContent("easymaker");
});

test("a model that is deployed cannot be deleted, and says where it is (MD-37)", async () => {
  server.use(one(USED));
  const { user } = renderPage("/models/model-iris");
  const button = await screen.findByRole("button", { name: "Delete" });
  expect(button).toHaveAttribute("aria-disabled", "true");
  await user.hover(button);
  expect(await screen.findByText("It is deployed on shop/default. Take it off there first.")).toBeVisible();
  await user.click(button);
  expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
});

test("a deletion says what is lost, and shows the refusal of the daemon", async () => {
  server.use(one(MODEL), http.delete(api("/models/model-iris"), () => refusal(409, "Model model-iris is deployed on shop/default.")));
  const { user } = renderPage("/models/model-iris");
  await user.click(await screen.findByRole("button", { name: "Delete" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText(/The files of the artifact stay where they are/)).toBeVisible();
  await user.click(within(dialog).getByRole("button", { name: "Delete" }));
  expect(await within(dialog).findByText("Model model-iris is deployed on shop/default.")).toBeVisible();
});

test("a model of a training is asked for with the training alone, and faults stand at their fields (GN-15)", async () => {
  const bodies: Record<string, unknown>[] = [];
  server.use(
    http.get(api("/trainings"), () => success({ trainingList: [], nextCursor: null, totalCount: 0 })),
    http.get(api("/trainings/t1"), () => success({ training: { trainingId: "t1", trainingName: "flowers" } as never })),
    http.post(api("/models/check"), () => success()),
    http.post(api("/models"), async ({ request }) => {
      bodies.push((await request.json()) as Record<string, unknown>);
      return refusal(422, "modelName: is taken", [{ field: "modelName", message: "is taken" }]);
    }),
  );
  const { user } = renderPage("/models/new?training=t1");
  const name = await screen.findByRole("textbox", { name: /^Name/ });
  expect(name).toHaveValue("flowers");
  expect(screen.getByRole("radio", { name: "A training that is COMPLETE" })).toBeChecked();
  await user.click(screen.getByRole("button", { name: "Create a model" }));
  await waitFor(() => { expect(name).toHaveAccessibleDescription(/is taken/); });
  expect(bodies).toEqual([{ modelName: "flowers", trainingId: "t1", parameterList: [], tagList: [] }]);
});

test("the form says where the system account may not read the artifact (OS-06, MD-14)", async () => {
  const access = { containerName: "demo", readAcl: null, writeAcl: null, isReadable: false, isWritable: true };
  server.use(
    http.get(api("/storage/access"), () => success({ systemAccount: "local:easymaker", containerAccessList: [access] })),
    http.get(api("/storage/containers"), () => success({ containerList: ["demo"], nasList: [] })),
    http.get(api("/storage/objects"), () => success({ objectList: [] })),
  );
  const { user } = renderPage("/models/new");
  await user.type(await screen.findByRole("textbox", { name: /^Model artifact/ }), "demo/iris");
  expect(await screen.findByText("The system account local:easymaker may not read the container demo.")).toBeVisible();
});
