import { screen, waitFor, within } from "@testing-library/react";
import { http, HttpResponse, type JsonBodyType } from "msw";

import type { TrialView, TuningView } from "@/lib/api/generated/types.gen";
import { renderPage } from "@/testing/render";
import { api, refusal, server, success } from "@/testing/server";

import { makeTrial, makeTuning } from "./testing";

// A browser draws charts; here their words are what counts.
vi.mock("@/components/charts/Canvas", () => ({ default: () => null }));

const json = (value: unknown): JsonBodyType => value as JsonBodyType;
const TUNINGS = api("/hyperparameter-tunings");
const ONE = api("/hyperparameter-tunings/:id");
const EMPTY_ANALYSIS = { objectiveMetricName: "loss", objectiveTypeCode: "MINIMIZE", historyList: [], importanceList: [], importanceNote: "Importance needs trials with different values.", parallelCoordinateList: [] };

function serveList(...tunings: TuningView[]): URL[] {
  const asked: URL[] = [];
  server.use(http.get(TUNINGS, ({ request }) => {
    asked.push(new URL(request.url));
    return success({ hyperparameterTuningList: json(tunings), nextCursor: null, totalCount: tunings.length });
  }));
  return asked;
}

function serveOne(tuning: TuningView, trials: TrialView[] = []): void {
  server.use(
    http.get(ONE, () => success({ hyperparameterTuning: json(tuning) })),
    http.get(api("/hyperparameter-tunings/:id/trials"), () => success({ trialList: json(trials) })),
    http.get(api("/hyperparameter-tunings/:id/analysis"), () => success({ analysis: EMPTY_ANALYSIS })),
  );
}

describe("the list of tunings", () => {
  test("shows status with its detail, progress and the best trial (HP-46, HP-49, HP-51)", async () => {
    serveList(makeTuning());
    renderPage("/tunings");
    const row = await screen.findByRole("row", { name: /iris/ });
    expect(within(row).getByText("COMPLETE")).toBeVisible();
    expect(within(row).getByText("(MaxTrialsReached)")).toBeVisible();
    expect(within(row).getByText("4 / 4")).toBeVisible();
    expect(within(row).getByText("loss 0.5")).toBeVisible();
    expect(within(row).getByRole("link", { name: "iris" })).toHaveAttribute("href", "/tunings/tuning1");
  });

  test("asks the daemon for the statuses that the address names", async () => {
    const asked = serveList(makeTuning());
    renderPage("/tunings?status=RUNNING&status=STOPPED");
    await screen.findByRole("row", { name: /iris/ });
    expect(asked[0]?.searchParams.getAll("hyperparameterTuningStatusCodeList")).toEqual(["RUNNING", "STOPPED"]);
  });

  test("teaches the first step while there is none", async () => {
    serveList();
    renderPage("/tunings");
    expect(await screen.findByRole("heading", { name: "No tunings yet" })).toBeVisible();
    expect(screen.getByText(/easymaker-local tuning run/)).toBeVisible();
  });

  test("stops only those of the selected that can be stopped", async () => {
    serveList(makeTuning(), makeTuning({ hyperparameterTuningId: "tuning2", hyperparameterTuningName: "digits", hyperparameterTuningStatusCode: "RUNNING", isFinished: false, isStoppable: true }));
    const stopped: string[] = [];
    server.use(http.put(api("/hyperparameter-tunings/:id/stop"), ({ params }) => { stopped.push(String(params.id)); return success(); }));
    const { user } = renderPage("/tunings");
    await user.click(await screen.findByRole("checkbox", { name: "Select all rows that are shown" }));
    await user.click(screen.getByRole("button", { name: "Stop (1)" }));
    const dialog = await screen.findByRole("dialog", { name: "Stop 1 tuning?" });
    expect(within(dialog).getByText("digits")).toBeVisible();
    await user.click(within(dialog).getByRole("button", { name: "Stop" }));
    await waitFor(() => { expect(stopped).toEqual(["tuning2"]); });
  });
});

describe("a tuning", () => {
  test("says why it cannot be stopped any more (GN-27)", async () => {
    serveOne(makeTuning());
    const { user } = renderPage("/tunings/tuning1");
    const stop = await screen.findByRole("button", { name: "Stop" });
    expect(stop).toHaveAttribute("aria-disabled", "true");
    await user.hover(stop);
    expect(await screen.findByText("Not permitted while the status is COMPLETE.")).toBeVisible();
  });

  test("is deleted after the dialogue has said what is lost (HP-81, GN-16)", async () => {
    serveOne(makeTuning());
    serveList();
    let deleted = false;
    server.use(http.delete(ONE, () => { deleted = true; return success(); }));
    const { user, router } = renderPage("/tunings/tuning1");
    await user.click(await screen.findByRole("button", { name: "More actions" }));
    await user.click(await screen.findByRole("menuitem", { name: "Delete" }));
    const dialog = await screen.findByRole("dialog", { name: "Delete iris?" });
    expect(dialog).toHaveTextContent("Its trials, their logs, metrics and history are lost.");
    expect(dialog).toHaveTextContent("The request cannot be cancelled once it is made.");
    expect(deleted).toBe(false);
    await user.click(within(dialog).getByRole("button", { name: "Delete" }));
    await waitFor(() => { expect(router.state.location.pathname).toBe("/tunings"); });
    expect(deleted).toBe(true);
  });

  test("is not deleted while models made from it exist (HP-81)", async () => {
    const model = { modelId: "m1", modelName: "iris-best", modelStatusCode: "ACTIVE", modelFormatCode: null, modelTypeCode: null, frameworkCode: null, formatCode: null };
    serveOne(makeTuning({ modelList: [model] }));
    const { user } = renderPage("/tunings/tuning1");
    await user.click(await screen.findByRole("button", { name: "More actions" }));
    const item = await screen.findByRole("menuitem", { name: /Delete/ });
    expect(item).toHaveTextContent("Delete what was made from it first: iris-best.");
    await user.click(item);
    expect(screen.queryByRole("dialog", { name: "Delete iris?" })).not.toBeInTheDocument();
  });

  test("makes a model only if a trial has a value of the objective (HP-80, HP-82)", async () => {
    serveOne(makeTuning({ optimalTrialId: null, optimalTrial: null }));
    const { user, router } = renderPage("/tunings/tuning1");
    const create = await screen.findByRole("button", { name: "Create model" });
    await user.hover(create);
    expect(await screen.findByRole("tooltip", { name: "No trial has a value of the objective." })).toBeVisible();
    await user.click(create);
    expect(router.state.location.pathname).toBe("/tunings/tuning1");
  });

  test("shows its trials by the value of the objective, and one of them in full (HP-68, HP-69)", async () => {
    const metric = { trialMetricName: "loss", trialMetricMinValue: "0.25", trialMetricMaxValue: "2.5", trialMetricLatestValue: "0.3", count: 12 };
    serveOne(makeTuning(), [makeTrial({ number: 1, objectiveValue: 0.5 }), makeTrial({ number: 2, objectiveValue: 0.25, trialMetricList: [metric], lr: "0.012345678" }), makeTrial({ number: 3, objectiveValue: null, trialStatusCode: "FAILED" })]);
    const { user } = renderPage("/tunings/tuning1?tab=trials");
    await user.click(await screen.findByRole("button", { name: "loss (best)" }));
    const links = within(await screen.findByRole("table", { name: /trials/ })).getAllByRole("link").map((link) => link.textContent);
    expect(links).toEqual(["#2", "#1", "#3"]);
    await user.click(screen.getByRole("link", { name: "#2" }));
    const drawer = await screen.findByRole("dialog", { name: "iris-2" });
    expect(within(drawer).getByRole("row", { name: "lr 0.012345678" })).toBeVisible();
    expect(within(drawer).getByRole("row", { name: "loss 0.25 2.5 0.3 12" })).toBeVisible();
    expect(within(drawer).getByRole("link", { name: "Logs" })).toHaveAttribute("href", "/tunings/tuning1?tab=logs&trial=trial2");
  });
});

const SOURCE = {
  hyperparameterTuningName: "iris", experimentId: "exp1", imageId: "img1", flavorId: "f1", instanceCount: 2, parallelTrialCount: 2, sourceDirUri: "obs://local/v1/AUTH_local/code/iris", entryPoint: "train.py",
  modelUploadUri: "obs://local/v1/AUTH_local/models/iris", timeoutMinutes: 43200, tuningStrategyName: "GRID", maxTrialCount: 4, metricList: [{ name: "loss" }], objectiveMetric: { name: "loss" }, objectiveTypeCode: "MINIMIZE",
  hyperparameterSpecList: [{ hyperparameterName: "lr", hyperparameterTypeCode: "double", hyperparameterMinValue: "0.01", hyperparameterMaxValue: "0.05", hyperparameterStep: "0.01" }],
};

function serveForm(): void {
  const experiment = { experimentId: "exp1", experimentName: "demo", experimentStatusCode: "ACTIVE", appKey: "local", createdDatetime: "2026-01-31T08:00:00Z" };
  const image = { imageId: "img1", imageName: "PyTorch", description: "", imageTypeCode: "BASIC", groupTypeCode: "TRAINING", coreTypeCode: "CPU", frameworkCode: "PYTORCH", frameworkVersion: "2.13", pythonVersion: "3.11" };
  server.use(
    http.post(api("/hyperparameter-tunings/check"), () => success()),
    http.get(api("/hyperparameter-tunings/:id/copy-source"), () => success({ copySource: SOURCE })),
    http.get(api("/experiments"), () => success({ experimentList: [experiment], nextCursor: null, totalCount: 1 })),
    http.get(api("/experiments/:id"), () => success({ experiment })),
    http.get(api("/training-templates"), () => success({ trainingTemplateList: [], nextCursor: null, totalCount: 0 })),
    http.get(api("/images"), () => success({ imageList: [image] })),
    http.get(api("/images/:id/preparation"), () => success({ preparation: { imageId: "img1", isReady: true, progress: null, error: null } })),
    http.get(api("/flavors"), () => success({ flavorList: [json(makeTuning().flavor)] })),
    http.get(api("/storage/access"), () => success({ systemAccount: "local:local", containerAccessList: [] })),
    http.get(api("/storage/containers"), () => success({ containerList: ["code", "models"] })),
    http.get(api("/storage/objects"), () => success({ objectList: [] })),
  );
}

describe("the form of a tuning", () => {
  test("is filled from the tuning that is copied, counts its grid, and sends it as a new one (GN-14, HP-L03)", async () => {
    serveForm();
    let body: unknown = null;
    server.use(http.post(TUNINGS, async ({ request }) => { body = await request.json(); return success({ hyperparameterTuning: json(makeTuning({ hyperparameterTuningId: "tuning2" })) }); }));
    serveOne(makeTuning({ hyperparameterTuningId: "tuning2" }));
    const { user, router } = renderPage("/tunings/new?copy=tuning1");
    const basics = await screen.findByRole("group", { name: "Basics" });
    expect(within(basics).getByRole("textbox", { name: "Name" })).toHaveValue("iris-copy");
    expect(screen.getByText("The grid has 5 combinations.")).toBeVisible();
    expect(screen.getByText("The grid has 5 combinations, more than the maximum of 4 trials: not all are tried.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Create" }));
    await waitFor(() => { expect(router.state.location.pathname).toBe("/tunings/tuning2"); });
    expect(body).toMatchObject({ ...SOURCE, hyperparameterTuningName: "iris-copy" });
  });

  test("shows what the daemon refused at the field (HP-15)", async () => {
    serveForm();
    server.use(http.post(TUNINGS, () => refusal(400, "A field is wrong.", [{ field: "hyperparameterSpecList.0.hyperparameterMinValue", message: "0.01 is above the maximum, 0.005" }])));
    const { user } = renderPage("/tunings/new?copy=tuning1");
    await user.click(await screen.findByRole("button", { name: "Create" }));
    const row = screen.getByRole("group", { name: "Hyperparameter 1" });
    expect(await within(row).findByText("0.01 is above the maximum, 0.005")).toBeVisible();
    expect(within(row).getByRole("textbox", { name: "Min" })).toBeInvalid();
  });

  test("tries the metric format on lines of a log (HP-L04)", async () => {
    serveForm();
    const asked: unknown[] = [];
    server.use(http.post(api("/hyperparameter-tunings/check-metrics"), async ({ request }) => {
      asked.push(await request.json());
      return HttpResponse.json({ header: { isSuccessful: true }, metricCheck: { metricList: [{ name: "loss", count: 2, minimum: 0.25, maximum: 0.5, latest: 0.25 }], missingMetricList: ["f1"], lineList: [], lineCount: 2 } });
    }));
    const { user } = renderPage("/tunings/new?copy=tuning1");
    await user.click(await screen.findByRole("button", { name: "Test the format on log lines" }));
    await user.click(await screen.findByRole("textbox", { name: "Lines of a log" }));
    await user.paste("loss=0.5\nloss=0.25");
    expect(await screen.findByText("loss: 2 ×, latest 0.25")).toBeVisible();
    expect(screen.getByText("Not found: f1")).toBeVisible();
    expect(asked).toEqual([{ metricList: [{ name: "loss" }], log: "loss=0.5\nloss=0.25" }]);
  });
});
