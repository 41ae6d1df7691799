import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";

import { renderPage } from "@/testing/render";
import { api, refusal, server, success } from "@/testing/server";

const entry = (kind: string, name: string, bytes: number, reclaimableReason: string | null = null) => ({ kind, name, place: `/home/${name}`, bytes, reclaimableReason });
const OLD = entry("ENVIRONMENT", "old", 2 << 20, "Its image has other contents now.");
const HALF = entry("ENVIRONMENT", "half", 1 << 20, "It was never finished.");

describe("the disk", () => {
  test("is given back what nothing needs, and nothing else", async () => {
    const asked: unknown[] = [];
    server.use(
      http.get(api("/disk"), () => success({ diskUsage: { totalBytes: 1e12, freeBytes: 4e11, entryList: [entry("BUCKET", "demo", 5 << 20), OLD, HALF] } })),
      http.post(api("/disk/reclaim"), async ({ request }) => {
        asked.push(await request.json());
        return success({ reclaimed: { freedList: [OLD], keptList: [] } });
      }),
    );
    const { user } = renderPage("/disk");
    await user.click(await screen.findByRole("button", { name: "Reclaim 3.0 MiB" }));
    const dialogue = await screen.findByRole("dialog");
    expect(within(dialogue).getByText(/Its image has other contents now/)).toBeVisible();
    expect(within(dialogue).queryByText(/demo/)).not.toBeInTheDocument();
    await user.click(within(dialogue).getByRole("checkbox", { name: /half/ }));
    await user.click(within(dialogue).getByRole("button", { name: "Remove 2.0 MiB for good" }));
    expect(await within(dialogue).findByText("2.0 MiB are free again.")).toBeVisible();
    expect(asked).toEqual([{ placeList: ["/home/old"] }]);
  });

  test("shows why nothing was removed", async () => {
    server.use(
      http.get(api("/disk"), () => success({ diskUsage: { totalBytes: 1e12, freeBytes: 4e11, entryList: [OLD] } })),
      http.post(api("/disk/reclaim"), () => refusal(409, "A job needs it now.")),
    );
    const { user } = renderPage("/disk");
    await user.click(await screen.findByRole("button", { name: "Reclaim 2.0 MiB" }));
    await user.click(await screen.findByRole("button", { name: /for good/ }));
    await waitFor(() => { expect(screen.getByRole("alert")).toHaveTextContent("A job needs it now."); });
  });
});
