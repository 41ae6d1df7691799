import { act, screen, waitFor, within } from "@testing-library/react";
import { http, type JsonBodyType } from "msw";
import { describe, expect, it, vi } from "vitest";

import type { TrainingMetricView, TrainingView } from "@/lib/api/generated/types.gen";
import { renderPage } from "@/testing/render";
import { api, refusal, server, success } from "@/testing/server";

import { training } from "./testing";

vi.mock("@/components/charts/Canvas", () => ({ default: () => null }));

const json = (value: unknown): JsonBodyType => value as JsonBodyType;

/** A metric whose value at step 0, 10, 20 … is given. */
const metric = (metricName: string, values: readonly (number | null)[], pointCount = values.length): TrainingMetricView => ({
  metricName, pointCount, pointList: values.map((value, place) => ({ step: place * 10, value, datetime: "2026-01-31T08:00:00Z" })),
});

/** Serves trainings with what each of them logged. */
function logged(...served: readonly (readonly [TrainingView, TrainingMetricView[]])[]): void {
  for (const [one, metrics] of served) {
    server.use(
      http.get(api(`/trainings/${one.trainingId}`), () => success({ training: json(one) })),
      http.get(api(`/trainings/${one.trainingId}/metrics`), () => success({ metricList: json(metrics) })),
    );
  }
}

/** A chart by its title and what it shows. */
const chart = (title: string, words: string) => screen.findByLabelText(`${title}. ${words}`);
const column = (table: HTMLElement, row: RegExp): string[] =>
  within(within(table).getByRole("row", { name: row })).getAllByRole("cell").map((cell) => cell.textContent);

describe("the metrics of a training", () => {
  it("are drawn with last, lowest and highest value in words (TR-34)", async () => {
    logged([training("iris", "COMPLETE"), [metric("loss", [2, 0.25, 0.5], 9000), metric("diverged", [1, null])]]);
    renderPage("/trainings/id-of-iris?tab=metrics");
    expect(await chart("loss", "loss: 0.5")).toBeInTheDocument();
    expect(screen.getByText("Last 0.5 at step 20 · Min 0.25 · Max 2 · 3 of 9000 points drawn")).toBeVisible();
    expect(screen.getByText("Last not a number at step 10 · Min 1 · Max 1")).toBeVisible();
    expect(screen.getByRole("button", { name: "MLflow" })).toBeVisible();
    expect(screen.queryByText(/SummaryWriter/)).not.toBeInTheDocument();
    expect(screen.queryByRole("searchbox", { name: "Find a metric" })).not.toBeInTheDocument();
  });

  it("go on while it runs (TR-34)", async () => {
    const values = [2];
    const run = training("run", "RUNNING");
    logged([run, []]);
    server.use(http.get(api("/trainings/id-of-run/metrics"), () => success({ metricList: json([metric("loss", [...values])]) })));
    renderPage("/trainings/id-of-run?tab=metrics");
    expect(await chart("loss", "loss: 2")).toBeInTheDocument();
    values.push(1);
    expect(await chart("loss", "loss: 1")).toBeInTheDocument();
  });

  it("are smoothed, shown by magnitude, and found by their name (TR-34)", async () => {
    const many = Array.from({ length: 7 }, (_, place) => metric(`layer-${String(place)}`, [1, 3]));
    logged([training("iris", "COMPLETE"), [...many, metric("negative", [-1])]]);
    const { user } = renderPage("/trainings/id-of-iris?tab=metrics");
    expect(await chart("layer-0", "layer-0: 3")).toBeInTheDocument();
    act(() => { screen.getByRole("slider", { name: "Smoothing" }).focus(); });
    await user.keyboard("{End}");
    expect(screen.getByText("Smoothing 0.99")).toBeVisible();
    // (1 × 0.99 + 3) / (0.99 + 1)
    expect(await chart("layer-0", "layer-0: 2.005")).toBeInTheDocument();
    await user.click(screen.getByRole("radio", { name: "Logarithmic" }));
    expect(await screen.findByText(/A logarithmic axis has no place/)).toBeVisible();
    await user.type(screen.getByRole("searchbox", { name: "Find a metric" }), "LAYER-3");
    expect(screen.getByText("1 of 8 metrics")).toBeVisible();
    expect(screen.getAllByLabelText(/^layer-/)).toHaveLength(1);
  });

  it("are explained until there are some (TB-01)", async () => {
    logged([training("iris", "COMPLETE"), []]);
    renderPage("/trainings/id-of-iris?tab=metrics");
    expect(await screen.findByText(/SummaryWriter/)).toBeVisible();
    expect(screen.getByText(/It logged no metrics/)).toBeVisible();
  });
});

describe("the comparison of trainings", () => {
  const given = (values: Record<string, string>) => Object.entries(values).map(([parameterName, parameterValue]) => ({ parameterName, parameterValue }));
  const slow = training("slow", "COMPLETE", { hyperparameterList: given({ lr: "0.1", batch: "32" }) });
  const fast = training("fast", "FAIL_TRAIN", { hyperparameterList: given({ lr: "0.5", batch: "32", warmup: "10" }) });

  it("says what differs, marks the lowest and the highest value, and draws all in one chart (TR-34)", async () => {
    logged([slow, [metric("loss", [2, 0.5]), metric("accuracy", [0.9])]], [fast, [metric("loss", [2, 0.125])]]);
    const { user } = renderPage("/trainings/compare?id=id-of-slow&id=id-of-fast");
    const settings = await screen.findByRole("table", { name: "Settings" });
    expect(within(settings).getByRole("link", { name: "fast" })).toHaveAttribute("href", "/trainings/id-of-fast");
    expect(column(settings, /^Status/)).toEqual(["COMPLETE", "FAIL TRAIN"]);
    expect(column(settings, /^lr differs/)).toEqual(["0.1", "0.5"]);
    expect(column(settings, /^warmup differs/)).toEqual(["–", "10"]);
    expect(column(settings, /^batch/)).toEqual(["32", "32"]);
    const values = await screen.findByRole("table", { name: "Last values" });
    expect(column(values, /^loss/)).toEqual(["0.5highest", "0.125lowest"]);
    expect(column(values, /^accuracy/)).toEqual(["0.9", "–"]);
    expect(await chart("loss", "slow: 0.5, fast: 0.125")).toBeInTheDocument();
    await user.click(screen.getByRole("switch", { name: "Only differences" }));
    expect(within(settings).queryByRole("row", { name: /^batch/ })).not.toBeInTheDocument();
    expect(within(settings).getByRole("row", { name: /^lr/ })).toBeVisible();
  });

  it("opens TensorBoard only for trainings of one experiment (EX-05)", async () => {
    const experiment = (experimentId: string) => ({ experimentId, experimentName: experimentId }) as TrainingView["experiment"];
    logged([{ ...slow, experiment: experiment("one") }, []], [{ ...fast, experiment: experiment("other") }, []]);
    const { user } = renderPage("/trainings/compare?id=id-of-slow&id=id-of-fast");
    await user.hover(await screen.findByRole("button", { name: "TensorBoard" }));
    expect(await screen.findByText("TensorBoard shows the trainings of one experiment; these are not of one.")).toBeVisible();
    expect(await screen.findByText("None of them logged metrics.")).toBeVisible();
  });

  it("says which of the address it cannot compare (GN-27)", async () => {
    logged([slow, []]);
    server.use(http.get(api("/trainings/gone"), () => refusal(404, "There is no training with id 'gone'.")));
    const { router } = renderPage("/trainings/compare?id=id-of-slow&id=gone");
    expect(await screen.findByText(/1 training of this address is not there.*From 2 to 10 trainings can be compared/)).toBeVisible();
    await act(() => router.navigate("/trainings/compare"));
    await waitFor(() => { expect(screen.queryByText(/of this address/)).not.toBeInTheDocument(); });
    expect(screen.getByRole("heading", { name: "Nothing to compare" })).toBeVisible();
  });

  it("is reached from those that are selected, and says how many it takes (TR-34, GN-27)", async () => {
    const rows = [slow, fast, ...Array.from({ length: 9 }, (_, place) => training(`run-${String(place)}`, "COMPLETE"))];
    server.use(http.get(api("/trainings"), () => success({ trainingList: json(rows), nextCursor: null, totalCount: rows.length })));
    logged([slow, []], [fast, []]);
    const { user, router } = renderPage("/trainings");
    const all = await screen.findByLabelText("Select all rows that are shown");
    await user.click(all);
    await user.hover(screen.getByText("Compare"));
    expect(await screen.findByText("From 2 to 10 trainings can be compared.")).toBeVisible();
    await user.click(all);
    await user.click(screen.getByLabelText("Select slow"));
    await user.click(screen.getByText("Compare"));
    expect(router.state.location.pathname).toBe("/trainings");
    await user.click(screen.getByLabelText("Select fast"));
    await user.click(screen.getByText("Compare"));
    await waitFor(() => { expect(router.state.location.pathname).toBe("/trainings/compare"); });
    expect(new URLSearchParams(router.state.location.search).getAll("id")).toEqual(["id-of-slow", "id-of-fast"]);
  });
});
