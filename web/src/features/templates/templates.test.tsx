import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { expect, it } from "vitest";

import { renderPage } from "@/testing/render";
import { api, server, success } from "@/testing/server";

import { changeTo, heldOf, EMPTY_TEMPLATE } from "./held";

const TEMPLATE = {
  trainingTemplateId: "t", trainingTemplateName: "iris", appKey: "local", createdDatetime: "2026-01-31T08:00:00Z", changedDatetime: "2026-01-31T08:00:00Z",
  imageId: "gone", hyperparameterList: [{ parameterName: "epochs", parameterValue: "30" }],
};

it("holds only what somebody filled in, and tells what is emptied (TT-03, TT-07)", () => {
  const body = { ...EMPTY_TEMPLATE, trainingTemplateName: "iris", entryPoint: "train.py" };
  expect(heldOf(body)).toEqual({ trainingTemplateName: "iris", entryPoint: "train.py" });
  const before = { schemaVersion: 1 as const, trainingTemplateName: "iris", entryPoint: "old.py", flavorId: "m2.c1m2" };
  expect(changeTo(body, before)).toEqual({ trainingTemplateName: "iris", entryPoint: "train.py", removedFieldList: ["flavorId"] });
});

it("names what does not exist here, and deletes after a question (TT-L01, TT-10)", async () => {
  const deleted: string[] = [];
  server.use(
    http.get(api("/training-templates/t"), () => success({ trainingTemplate: TEMPLATE })),
    http.get(api("/training-templates/t/values"), () => success({ values: {}, unresolvedFieldList: [{ field: "imageId", message: "there is no image 'gone'", value: "gone" }] })),
    http.get(api("/training-templates"), () => success({ trainingTemplateList: [], nextCursor: null, totalCount: 0 })),
    http.get(api("/images"), () => success({ imageList: [] })),
    http.delete(api("/training-templates/:id"), ({ params }) => { deleted.push(String(params.id)); return success(); }),
  );
  const { user, router } = renderPage("/templates/t");
  expect(await screen.findByText("there is no image 'gone'")).toBeVisible();
  await user.click(screen.getByRole("tab", { name: "Hyperparameters" }));
  expect(await screen.findByRole("cell", { name: "epochs" })).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Delete" }));
  const dialog = await screen.findByRole("dialog", { name: "Delete the training template?" });
  expect(dialog).toHaveTextContent("Trainings and tunings that were made with it stay as they are.");
  await user.click(within(dialog).getByRole("button", { name: "Delete" }));
  await waitFor(() => { expect(router.state.location.pathname).toBe("/templates"); });
  expect(deleted).toEqual(["t"]);
});
