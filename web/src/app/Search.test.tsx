import { screen, waitFor } from "@testing-library/react";
import { http } from "msw";

import { renderPage } from "@/testing/render";
import { api, server, success } from "@/testing/server";

const found = { kind: "image", resourceId: "abcdef0123456789", name: "iris", statusCode: null, createdDatetime: null, parentKind: null, parentId: null, parentName: null };

describe("search and keys", () => {
  test("resources are found by a part of their name, opened, and offered again", async () => {
    server.use(
      http.get(api("/search"), ({ request }) => success({ searchResultList: new URL(request.url).searchParams.get("query") === "iri" ? [found] : [] })),
      http.get(api("/images"), () => success({ imageList: [] })),
    );
    const { user, router } = renderPage("/nowhere");
    await screen.findByRole("heading", { name: "There is no such page" });
    await user.keyboard("{Control>}k{/Control}");
    await user.type(await screen.findByRole("textbox", { name: /Search resources/ }), "iri");
    await user.click(await screen.findByText("Image · abcdef01"));
    await waitFor(() => { expect(router.state.location.pathname).toBe("/images"); });
    await user.keyboard("{Control>}k{/Control}");
    expect(await screen.findByRole("textbox", { name: /Search resources/ })).toHaveValue("");
    expect(screen.getByText("Image · abcdef01")).toBeVisible();
  });

  test("commands change what is shown", async () => {
    server.use(http.get(api("/search"), () => success({ searchResultList: [] })));
    const { user } = renderPage("/nowhere");
    await user.click(await screen.findByRole("button", { name: /Search/ }));
    await user.type(await screen.findByRole("textbox", { name: /Search resources/ }), "한국");
    await user.click(await screen.findByRole("button", { name: /Language: 한국어/ }));
    expect(await screen.findByRole("heading", { name: "페이지가 없습니다" })).toBeVisible();
  });

  test("two keys lead to a page, but not while somebody types; `?` shows them all", async () => {
    server.use(http.get(api("/search"), () => success({ searchResultList: [] })));
    server.use(http.get(api("/queue"), () => success({ queue: { runningList: [], waitingList: [], waitingCount: 0 } })));
    const { user, router } = renderPage("/nowhere");
    await screen.findByRole("heading", { name: "There is no such page" });
    await user.keyboard("?");
    expect(await screen.findByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
    await user.keyboard("{Escape}");
    await waitFor(() => { expect(screen.queryByRole("dialog")).not.toBeInTheDocument(); });
    await user.keyboard("/gq");
    expect(await screen.findByRole("textbox", { name: /Search resources/ })).toHaveValue("gq");
    expect(router.state.location.pathname).toBe("/nowhere");
    await user.keyboard("{Escape}");
    await waitFor(() => { expect(screen.queryByRole("dialog")).not.toBeInTheDocument(); });
    await user.keyboard("gq");
    await waitFor(() => { expect(router.state.location.pathname).toBe("/queue"); });
  });
});
