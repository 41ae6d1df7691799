import { screen, waitFor, within } from "@testing-library/react";
import { http, type JsonBodyType } from "msw";
import { describe, expect, it } from "vitest";

import type { TrainingView } from "@/lib/api/generated/types.gen";
import { tell } from "@/testing/eventSource";
import { renderPage } from "@/testing/render";
import { api, refusal, server, success } from "@/testing/server";

import { FLAVOR, IMAGE, training } from "./testing";

const json = (value: unknown): JsonBodyType => value as JsonBodyType;

/** Answers the list, and returns the conditions with which it was asked. */
function listed(...rows: TrainingView[]): URLSearchParams[] {
  const asked: URLSearchParams[] = [];
  server.use(http.get(api("/trainings"), ({ request }) => {
    asked.push(new URL(request.url).searchParams);
    return success({ trainingList: json(rows), nextCursor: null, totalCount: rows.length });
  }));
  return asked;
}

function shown(one: TrainingView): void {
  server.use(
    http.get(api(`/trainings/${one.trainingId}`), () => success({ training: json(one) })),
    http.get(api(`/trainings/${one.trainingId}/runs`), () => success({ runList: [] })),
  );
}

describe("the list of trainings", () => {
  it("shows status and reason, and asks the daemon for what somebody looks for (GN-13, GN-26)", async () => {
    const reason = { code: "WAITING_FOR_RESOURCES", message: "Waits for 2 vCPU. Position 1 in the queue." };
    const asked = listed(training("large", "CREATE_REQUESTED", { statusReason: reason }), training("iris", "COMPLETE"));
    const { user } = renderPage("/trainings?status=RUNNING");
    expect(await screen.findByText("Waits for 2 vCPU. Position 1 in the queue.")).toBeVisible();
    expect(screen.getByRole("link", { name: "iris" })).toHaveAttribute("href", "/trainings/id-of-iris");
    expect(asked[0]?.getAll("trainingStatusCodeList")).toEqual(["RUNNING"]);
    await user.type(screen.getByRole("searchbox", { name: "Search" }), "ir");
    await waitFor(() => { expect(asked.at(-1)?.get("keyword")).toBe("ir"); });
  });

  it("tells the account to which containers have to be granted (TR-38, OS-09)", async () => {
    listed();
    const { user } = renderPage("/trainings");
    await user.click(await screen.findByRole("button", { name: "System account" }));
    const dialogue = await screen.findByRole("dialog", { name: "AI EasyMaker system account information" });
    expect(within(dialogue).getByText("Tenant ID").parentElement).toHaveTextContent("local");
    expect(within(dialogue).getByText("API user ID").parentElement).toHaveTextContent("easymaker");
    expect(within(dialogue).getAllByRole("button", { name: "Copy to the clipboard" })).toHaveLength(2);
    expect(within(dialogue).getByRole("link", { name: "Storage" })).toHaveAttribute("href", "/storage");
  });

  it("stops what may be stopped after a question, and says why something may not be (TR-50, GN-16, GN-27)", async () => {
    listed(training("run", "RUNNING"), training("done", "COMPLETE"));
    const stopped: string[] = [];
    server.use(http.put(api("/trainings/:id/stop"), ({ params }) => { stopped.push(String(params.id)); return success(); }));
    const { user } = renderPage("/trainings");
    await user.click(await screen.findByRole("checkbox", { name: "Select all rows that are shown" }));
    const stop = screen.getByRole("button", { name: "Stop" });
    expect(stop).toHaveAttribute("aria-disabled", "true");
    await user.hover(stop);
    expect(await screen.findByText("done: COMPLETE: only RUNNING and CREATE REQUESTED can be stopped.")).toBeVisible();
    await user.click(screen.getByRole("checkbox", { name: "Select done" }));
    await user.click(screen.getByRole("button", { name: "Stop" }));
    const dialog = await screen.findByRole("dialog", { name: "Stop the training?" });
    expect(stopped).toEqual([]);
    await user.click(within(dialog).getByRole("button", { name: "Stop" }));
    await waitFor(() => { expect(stopped).toEqual(["id-of-run"]); });
  });

  it("teaches the first step when there is none", async () => {
    listed();
    renderPage("/trainings");
    expect(await screen.findByRole("heading", { name: "No training yet" })).toBeVisible();
    expect(screen.getByText(/easymaker-local training run/)).toHaveTextContent("--image 'Ubuntu 22.04 CPU PyTorch Training'");
  });
});

describe("the page of a training", () => {
  it("says why it failed, and what keeps it from being deleted (TR-53)", async () => {
    shown(training("bad", "FAIL_TRAIN", {
      statusReason: { code: "EXIT_CODE", message: "The entry point ended with exit code 1." },
      modelList: [{ modelId: "m", modelName: "net", modelStatusCode: "ACTIVE", modelFormatCode: null, modelTypeCode: null, frameworkCode: null, formatCode: null }],
    }));
    const { user } = renderPage("/trainings/id-of-bad");
    expect(await screen.findByText("The entry point ended with exit code 1.")).toBeVisible();
    const remove = screen.getByRole("button", { name: "Delete" });
    await user.hover(remove);
    expect(await screen.findByText("Models were made from it: net. Delete these first.")).toBeVisible();
    await user.click(remove);
    expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
  });

  it("shows its log as it is written, and leads to the first error", async () => {
    shown(training("run", "RUNNING"));
    const pieces = ["epoch 1\repoch 2\nval_error=0.1\n", ""];
    server.use(http.get(api("/trainings/id-of-run/logs"), ({ request }) => {
      const content = pieces.shift() ?? "";
      const offset = Number(new URL(request.url).searchParams.get("offset"));
      return success({ log: { node: 0, offset, nextOffset: offset + content.length, content, isComplete: false } });
    }));
    const { user } = renderPage("/trainings/id-of-run?tab=logs");
    expect(await screen.findByText("epoch 2")).toBeVisible();
    expect(screen.getByRole("button", { name: "First error" })).toHaveAttribute("aria-disabled", "true");
    await waitFor(() => { tell("/logs/stream?node=0&offset=30", "log", { offset: 30, nextOffset: 50, content: "ValueError: no\nmore" }); });
    await user.click(await screen.findByRole("button", { name: "First error" }));
    expect(screen.getByRole("button", { name: "Follow the end" })).toBeVisible();
    tell("/logs/stream", "end", { nextOffset: 50 });
    expect(await screen.findByText("4 lines · complete")).toBeVisible();
    await user.type(screen.getByRole("searchbox", { name: "Search in this log" }), "ERROR");
    expect(await screen.findByText("– of 2 lines")).toBeVisible();
  });
});

describe("the form of a training", () => {
  it("comes filled from the original, and shows the daemon's faults at the fields (GN-14, TR-10)", async () => {
    const created: unknown[] = [];
    const source = {
      trainingName: "iris", experimentId: "e", imageId: "pytorch", flavorId: "m2.c1m2", sourceDirUri: "obs://local/v1/AUTH_local/demo/code",
      entryPoint: "missing.py", modelUploadUri: "obs://local/v1/AUTH_local/demo/models", hyperparameterList: [{ parameterName: "lr", parameterValue: "0.1" }],
    };
    const experiment = { experimentId: "e", experimentName: "demo", experimentStatusCode: "ACTIVE", appKey: "local", createdDatetime: "2026-01-31T08:00:00Z" };
    server.use(
      http.get(api("/trainings/id-of-iris/copy-source"), () => success({ copySource: source })),
      http.get(api("/training-templates"), () => success({ trainingTemplateList: [], nextCursor: null, totalCount: 0 })),
      http.get(api("/experiments"), () => success({ experimentList: json([experiment]), nextCursor: null, totalCount: 1 })),
      http.get(api("/experiments/e"), () => success({ experiment: json(experiment) })),
      http.get(api("/images"), () => success({ imageList: json([IMAGE]) })),
      http.get(api("/images/pytorch/preparation"), () => success({ preparation: { imageId: "pytorch", isReady: true } })),
      http.get(api("/flavors"), () => success({ flavorList: json([FLAVOR]) })),
      http.get(api("/storage/access"), () => success({ containerAccessList: [] })),
      http.post(api("/trainings/check"), () => success()),
      http.post(api("/trainings"), async ({ request }) => {
        created.push(await request.json());
        return refusal(422, "The request is not valid.", [{ field: "entryPoint", message: "there is no file 'missing.py'" }]);
      }),
    );
    const { user } = renderPage("/trainings/new?copy=id-of-iris");
    expect(await screen.findByRole("textbox", { name: /^Name/ })).toHaveValue("iris-copy");
    const facts = await screen.findAllByText(/PyTorch 2.13.0 · Python 3.11 · CPU · prepared/);
    expect(facts[0]).toBeVisible();
    await user.type(screen.getByRole("textbox", { name: "Value 1" }), "5");
    await user.click(screen.getByRole("button", { name: "Add a hyperparameter" }));
    await user.type(screen.getByRole("textbox", { name: "Key 2" }), "LR");
    expect(screen.getByText("This and lr would both become EM_HP_LR.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Remove LR" }));
    await user.click(screen.getByRole("button", { name: "Create" }));
    await waitFor(() => { expect(screen.getByRole("textbox", { name: /^Entry point/ })).toHaveAccessibleDescription(/there is no file 'missing.py'/); });
    expect(created).toEqual([expect.objectContaining({ trainingName: "iris-copy", hyperparameterList: [{ parameterName: "lr", parameterValue: "0.15" }] })]);
  });
});
