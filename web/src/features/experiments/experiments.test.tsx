import { screen, waitFor } from "@testing-library/react";
import { http } from "msw";
import { expect, it } from "vitest";

import { renderPage } from "@/testing/render";
import { api, refusal, server, success } from "@/testing/server";

const EXPERIMENT = {
  experimentId: "e", experimentName: "demo", experimentStatusCode: "ACTIVE", appKey: "local", createdDatetime: "2026-01-31T08:00:00Z", description: null, statusMessage: null,
};

it("says what keeps an experiment from being deleted, with links there (EX-08, EX-20)", async () => {
  const running = { trainingId: "r", trainingName: "slow", trainingStatusCode: "RUNNING" };
  server.use(
    http.get(api("/experiments/e"), () => success({ experiment: EXPERIMENT })),
    http.get(api("/trainings"), () => success({ trainingList: [running], nextCursor: null, totalCount: 1 })),
    http.get(api("/hyperparameter-tunings"), () => success({ hyperparameterTuningList: [], nextCursor: null, totalCount: 0 })),
  );
  const { user } = renderPage("/experiments/e?tab=overview");
  expect(await screen.findByRole("link", { name: "slow" })).toHaveAttribute("href", "/trainings/r");
  const remove = screen.getByRole("button", { name: "Delete" });
  expect(remove).toHaveAttribute("aria-disabled", "true");
  await user.hover(remove);
  expect(await screen.findByText("Not ended yet: slow. Stop these or wait for them first.")).toBeVisible();
});

it("shows at the field that the name is taken, while somebody types (EX-02)", async () => {
  server.use(
    http.post(api("/experiments/check"), () => refusal(422, "The request is not valid.", [{ field: "experimentName", message: "is taken" }])),
  );
  const { user } = renderPage("/experiments/new");
  const name = await screen.findByRole("textbox", { name: /^Name/ });
  await user.type(name, "demo");
  await waitFor(() => { expect(name).toHaveAccessibleDescription(/is taken/); });
});
