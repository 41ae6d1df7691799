import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";

import { renderPage } from "@/testing/render";
import { api, refusal, server, success } from "@/testing/server";

const ROOT = "obs://local/v1/AUTH_local";
const at = (uri: string, file?: string): string => `/storage?uri=${encodeURIComponent(uri)}${file === undefined ? "" : `&file=${file}`}`;
const entry = (name: string, size: number, isDirectory = false) => ({ name, isDirectory, size, modifiedDatetime: "2026-01-31T08:00:00Z" });

/** Serves folders by their addresses; what is asked for with `recursive` by its own. */
function serveFolders(folders: Record<string, ReturnType<typeof entry>[]>, below: Record<string, ReturnType<typeof entry>[]> = {}): void {
  server.use(http.get(api("/storage/objects"), ({ request }) => {
    const query = new URL(request.url).searchParams;
    const found = (query.get("recursive") === "true" ? below : folders)[query.get("uri") ?? ""];
    return found === undefined ? refusal(404, "There is nothing.") : success({ objectList: found });
  }));
}

const names = async (): Promise<(string | null)[]> => {
  await screen.findByRole("table");
  return screen.getAllByRole("row").slice(1).map((row) => within(row).getByRole("link").textContent);
};

describe("storage", () => {
  test("shows a folder: folders first, sorted and filtered by choice (OS-L03)", async () => {
    serveFolders({ [`${ROOT}/demo`]: [entry("b.csv", 10), entry("a.csv", 2000), entry("zoo", 0, true)] });
    const { user } = renderPage(at(`${ROOT}/demo`));
    expect(await names()).toEqual(["zoo", "a.csv", "b.csv"]);
    await user.click(screen.getByRole("button", { name: "Size" }));
    expect(await names()).toEqual(["zoo", "b.csv", "a.csv"]);
    await user.type(screen.getByRole("searchbox", { name: "Filter by name" }), "a.c");
    await waitFor(async () => { expect(await names()).toEqual(["a.csv"]); });
  });

  test("remembers which columns somebody wants to see", async () => {
    serveFolders({ [`${ROOT}/demo`]: [entry("a.csv", 2000)] });
    const { user } = renderPage(at(`${ROOT}/demo`));
    await user.click(await screen.findByRole("button", { name: "Columns" }));
    await user.click(await screen.findByRole("menuitemcheckbox", { name: "Changed", checked: true }));
    await waitFor(() => { expect(screen.queryByRole("columnheader", { name: "Changed" })).not.toBeInTheDocument(); });
    expect(screen.getByRole("columnheader", { name: "Size" })).toBeVisible();
    expect(localStorage.getItem("columns-storage")).toContain("modified");
  });

  test("says how much is lost before a folder goes, and then deletes it", async () => {
    const deleted: string[] = [];
    serveFolders({ [`${ROOT}/demo`]: [entry("data", 0, true)] }, { [`${ROOT}/demo/data`]: [entry("sub", 0, true), entry("sub/1.bin", 1024), entry("sub/2.bin", 2048)] });
    server.use(http.delete(api("/storage/objects"), ({ request }) => { deleted.push(new URL(request.url).search); return success(); }));
    const { user } = renderPage(at(`${ROOT}/demo`));
    await user.click(await screen.findByRole("checkbox", { name: "Select data" }));
    await user.click(screen.getByRole("button", { name: "Delete" }));
    const dialogue = await screen.findByRole("dialog", { name: "Delete data" });
    expect(await within(dialogue).findByText("2 files, together 3.0 KiB, will be lost.")).toBeVisible();
    expect(deleted).toEqual([]);
    await user.click(within(dialogue).getByRole("button", { name: "Delete" }));
    await waitFor(() => { expect(screen.queryByRole("dialog")).not.toBeInTheDocument(); });
    expect(deleted).toEqual([`?uri=${encodeURIComponent(`${ROOT}/demo/data`)}&recursive=true`]);
  });

  test("uploads what is chosen to where one is, and says what was refused", async () => {
    const stored: Record<string, string> = {};
    serveFolders({ [`${ROOT}/demo`]: [] });
    server.use(http.put(api("/storage/content"), async ({ request }) => {
      const uri = new URL(request.url).searchParams.get("uri") ?? "";
      if (uri.endsWith("bad.csv")) return refusal(422, "There is no room left.");
      stored[uri] = await request.text();
      return success({ objectList: [] });
    }));
    const { user } = renderPage(at(`${ROOT}/demo`));
    await screen.findByText("Nothing is here.");
    await user.upload(screen.getByLabelText("Upload files", { selector: "input" }), [new File(["1,2"], "good.csv"), new File(["3,4"], "bad.csv")]);
    const uploads = await screen.findByRole("region", { name: "Uploads" });
    expect(await within(uploads).findByText("There is no room left.")).toBeVisible();
    expect(await within(uploads).findByText("1 of 2 uploads done")).toBeVisible();
    expect(stored).toEqual({ [`${ROOT}/demo/good.csv`]: "1,2" });
  });

  test("opens a small file beside its folder, also by its own address", async () => {
    serveFolders({ [`${ROOT}/demo/info.json`]: [entry("info.json", 7)], [`${ROOT}/demo`]: [entry("info.json", 7)] });
    server.use(http.get(api("/storage/content"), () => new Response('{"a":1}')));
    renderPage(at(`${ROOT}/demo/info.json`));
    const preview = await screen.findByRole("dialog", { name: "info.json" });
    expect(await within(preview).findByText(/"a": 1/)).toBeVisible();
    expect(within(preview).getByRole("link", { name: /Download/ })).toHaveAttribute("download", "info.json");
  });

  test("teaches the first step while there is no container, and shows why one was refused", async () => {
    server.use(
      http.get(api("/storage/access"), () => success({ systemAccount: "local:easymaker", containerAccessList: [] })),
      http.get(api("/storage/containers"), () => success({ containerList: [], nasList: [] })),
      http.post(api("/storage/containers"), () => refusal(422, "A container has no blank in its name.")),
    );
    const { user } = renderPage("/storage");
    expect(await screen.findByRole("heading", { name: "There is no container yet" })).toBeVisible();
    await user.click(screen.getAllByRole("button", { name: "Create container" })[0] as HTMLElement);
    await user.type(await screen.findByRole("textbox", { name: /Name/ }), "my data");
    await user.click(screen.getByRole("button", { name: "Create" }));
    expect(await screen.findByText("A container has no blank in its name.")).toBeVisible();
  });

  test("says how much is in each container, and as which account jobs use it (OS-L03, OS-09)", async () => {
    const access = (containerName: string) => ({ containerName, readAcl: null, writeAcl: null, isReadable: true, isWritable: true });
    const counted = { demo: { objectCount: 1234, totalBytes: 2048, isComplete: true }, vast: { objectCount: 200_000, totalBytes: 1024, isComplete: false } };
    server.use(
      http.get(api("/storage/access"), () => success({ systemAccount: "local:easymaker", containerAccessList: [access("broken"), access("demo"), access("vast")] })),
      http.get(api("/storage/containers"), () => success({ containerList: ["broken", "demo", "vast"], nasList: [] })),
      http.get(api("/storage/containers/broken/usage"), () => refusal(500, "The disk is broken.")),
      http.get(api("/storage/containers/:name/usage"), ({ params }) => success({ containerUsage: counted[params.name as keyof typeof counted] })),
    );
    renderPage("/storage");
    const row = async (name: string) => within((await screen.findByRole("link", { name })).closest("tr") as HTMLElement);
    expect(await (await row("demo")).findByText("1,234")).toBeVisible();
    expect((await row("demo")).getByText("2.0 KiB")).toBeVisible();
    expect(await (await row("vast")).findByText("at least 200,000")).toBeVisible();
    expect((await row("broken")).getAllByText("–")).toHaveLength(2);
    expect(screen.getByText("local:easymaker")).toBeVisible();
  });
});
