import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { delay, http, type JsonBodyType } from "msw";

import { renderPage } from "@/testing/render";
import { api, refusal, server, success } from "@/testing/server";

const NOTHING = Object.fromEntries([
  "category", "trainingId", "hyperparameterTuningId", "endpointId", "endpointStageId", "inferenceId", "action", "modelName", "batchInferenceId", "pipelineRunId", "node", "host", "projectName",
].map((name) => [name, null]));
const entry = (logId: number, body: string, more: object = {}) =>
  ({ ...NOTHING, logId, easymakerAppKey: "local", logLevel: "INFO", logType: "NHNCloud-AIEasyMaker", time: "2026-01-31T08:00:00.000Z", fields: {}, body, ...more }) as JsonBodyType;

describe("logs", () => {
  test("are found by a query, opened to all their fields, and narrowed by one (LG-02, LG-12)", async () => {
    const asked: (string | null)[] = [];
    server.use(http.get(api("/logs"), ({ request }) => {
      asked.push(new URL(request.url).searchParams.get("query"));
      return success({ logList: [entry(7, "loss=0.1", { trainingId: "abcdef0123456789" })], nextCursor: null, hasMore: false, latestCursor: 7 });
    }));
    const { user } = renderPage("/logs");
    await user.type(await screen.findByRole("textbox", { name: "Query" }), "loss{Enter}");
    await waitFor(() => { expect(asked.at(-1)).toBe("loss"); });
    const line = await screen.findByRole("button", { name: /loss=0.1/ });
    expect(screen.getByRole("link", { name: "abcdef01" })).toHaveAttribute("href", "/trainings/abcdef0123456789");
    await user.click(line);
    await user.click(within(screen.getByText("trainingId").parentElement as HTMLElement).getByRole("button", { name: "only this" }));
    await waitFor(() => { expect(asked.at(-1)).toBe('loss AND trainingId:"abcdef0123456789"'); });
  });

  test("say where a query is wrong (LG-L02)", async () => {
    server.use(http.get(api("/logs"), () => refusal(422, "The request is not valid.", [{ field: "query", message: "position 7: this parenthesis is never closed" }])));
    renderPage("/logs?query=a%20AND%20(b");
    expect(await screen.findByText("position 7: this parenthesis is never closed")).toBeVisible();
    expect(screen.getByRole("textbox", { name: "Query" })).toBeInvalid();
  });

  test("come on top as they arrive while somebody follows", async () => {
    const after: (string | null)[] = [];
    server.use(http.get(api("/logs"), async ({ request }) => {
      const from = new URL(request.url).searchParams.get("after");
      if (from === null) return success({ logList: [entry(7, "old")], nextCursor: null, hasMore: false, latestCursor: 7 });
      after.push(from);
      if (from === "7") return success({ logList: [entry(8, "new")], nextCursor: 8, hasMore: false, latestCursor: 7 });
      await delay("infinite");
      return success();
    }));
    const { user } = renderPage("/logs");
    await screen.findByText("old");
    await user.click(screen.getByRole("switch", { name: "Follow what arrives" }));
    await screen.findByText("new");
    expect(screen.getAllByRole("listitem").map((item) => /old|new/.exec(item.textContent)?.[0])).toEqual(["new", "old"]);
    await waitFor(() => { expect(after).toEqual(["7", "8"]); });
  });

  test("are found between times of one's own, which the address keeps (LG-L02)", async () => {
    const asked: URLSearchParams[] = [];
    server.use(http.get(api("/logs"), ({ request }) => {
      asked.push(new URL(request.url).searchParams);
      return success({ logList: [entry(7, "loss=0.1")], nextCursor: null, hasMore: false, latestCursor: 7 });
    }));
    const { user, router } = renderPage("/logs");
    await user.click(await screen.findByRole("button", { name: "Own range" }));
    const [from, to, show] = [await screen.findByLabelText("From"), screen.getByLabelText("To"), screen.getByRole("button", { name: "Show" })];
    const write = (field: HTMLElement, text: string) => { fireEvent.change(field, { target: { value: text } }); };
    write(from, "2026-02-01T08:00");
    write(to, "2026-01-31T08:00");
    expect(to).toBeInvalid();
    expect(to).toHaveAccessibleDescription("The end must be after the beginning.");
    expect(show).toBeDisabled();
    write(from, "");
    write(to, "");
    expect(to).toHaveAccessibleDescription("Give at least one time; the other end stays open.");
    write(from, "2026-01-30T08:00");
    write(to, "2026-01-31T08:00");
    await user.click(show);
    const ends = { from: new Date("2026-01-30T08:00").toISOString(), to: new Date("2026-01-31T08:00").toISOString() };
    await waitFor(() => { expect(Object.fromEntries(asked.at(-1) ?? [])).toMatchObject(ends); });
    expect(Object.fromEntries(new URLSearchParams(router.state.location.search))).toEqual(ends);
    expect(screen.getByRole("switch", { name: "Follow what arrives" })).toBeDisabled();
  });

  test("may have one open end; a time in the address that is none counts for nothing", async () => {
    const asked: URLSearchParams[] = [];
    server.use(http.get(api("/logs"), ({ request }) => {
      asked.push(new URL(request.url).searchParams);
      return success({ logList: [], nextCursor: null, hasMore: false, latestCursor: 7 });
    }));
    renderPage("/logs?from=2026-01-30T08:00:00.000Z&to=yesterday");
    expect(await screen.findByRole("button", { name: /^since / })).toBeVisible();
    await waitFor(() => { expect(asked[0]?.get("from")).toBe("2026-01-30T08:00:00.000Z"); });
    expect(asked[0]?.get("to")).toBeNull();
    expect(screen.getByRole("switch", { name: "Follow what arrives" })).toBeEnabled();
  });
});
