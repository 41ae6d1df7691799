import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";

import { tell } from "@/testing/eventSource";
import { renderPage } from "@/testing/render";
import { api, MACHINE, refusal, server, success } from "@/testing/server";

const empty = http.get(api("/trainings"), () => success({ trainingList: [], nextCursor: null, totalCount: 0 }));

describe("the frame of every page", () => {
  test("leads to the pages and marks the one that is open", async () => {
    server.use(empty);
    const { user, router } = renderPage("/nowhere");
    const places = await screen.findByRole("navigation", { name: "Navigation" });
    await user.click(within(places).getByRole("link", { name: "Trainings" }));
    await waitFor(() => { expect(within(places).getByRole("link", { name: "Trainings" })).toHaveAttribute("aria-current", "page"); });
    expect(router.state.location.pathname).toBe("/trainings");
    expect(within(places).getByRole("link", { name: "Models" })).not.toHaveAttribute("aria-current");
  });

  test("asks once for what a page shows, before and while it is drawn", async () => {
    const asked: string[] = [];
    server.use(http.get(api("/trainings"), ({ request }) => {
      asked.push(new URL(request.url).search);
      return success({ trainingList: [], nextCursor: null, totalCount: 0 });
    }));
    renderPage("/trainings?keyword=iris&status=COMPLETE&sortBy=name");
    expect(await screen.findByText("Nothing meets these conditions.")).toBeVisible();
    expect(asked).toHaveLength(1);
    expect(Object.fromEntries(new URLSearchParams(asked[0]))).toMatchObject({ keyword: "iris", sortBy: "name", sortOrder: "ASC" });
  });

  test("says so where there is no page", async () => {
    renderPage("/nowhere");
    expect(await screen.findByRole("heading", { name: "There is no such page" })).toBeVisible();
  });

  test("tells how to sign in when nobody is", async () => {
    server.use(http.get(api("/system"), () => refusal(401, "No token.")));
    renderPage("/nowhere");
    expect(await screen.findByRole("heading", { name: "Not signed in" })).toBeVisible();
    expect(screen.getByText("easymaker-local open")).toBeVisible();
  });

  test("speaks the language that somebody chooses, at once and next time", async () => {
    const { user } = renderPage("/nowhere");
    await user.click(await screen.findByRole("button", { name: "Language" }));
    await user.click(await screen.findByRole("menuitemradio", { name: "日本語" }));
    expect(await screen.findByRole("heading", { name: "このページはありません" })).toBeVisible();
    expect(document.documentElement.lang).toBe("ja");
    expect(localStorage.getItem("language")).toBe("ja");
  });

  test("asks again for what the stream says has changed (DB-L03)", async () => {
    renderPage("/nowhere");
    await screen.findByText("Nothing waits");
    server.use(http.get(api("/machine"), () => success({ machine: { ...MACHINE, queueLength: 2 } as never })));
    tell("/changes", "change", { changeList: [{ kind: "queue" }] });
    expect(await screen.findByText("2 waiting")).toBeVisible();
  });
});
