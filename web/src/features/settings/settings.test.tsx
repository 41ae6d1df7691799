import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";

import { renderPage } from "@/testing/render";
import { api, MACHINE, refusal, server, success, SYSTEM } from "@/testing/server";

import { environmentLines } from "./environment";

describe("settings", () => {
  test("replace the token only after saying what that ends; the page then asks to sign in", async () => {
    let isRotated = false;
    server.use(
      http.put(api("/system/token"), () => { isRotated = true; return success(); }),
      http.get(api("/system"), () => isRotated ? refusal(401, "No session.") : success({ system: { ...SYSTEM } })),
    );
    server.use(http.get(api("/machine"), () => isRotated ? refusal(401, "No session.") : success({ machine: { ...MACHINE } })));
    const { user } = renderPage("/settings");
    await user.click(await screen.findByRole("button", { name: "Replace the token" }));
    const dialogue = await screen.findByRole("dialog");
    expect(within(dialogue).getByText(/every signed-in browser, this one too, are out at once/)).toBeVisible();
    expect(isRotated).toBe(false);
    await user.click(within(dialogue).getByRole("button", { name: "Replace the token" }));
    expect(await screen.findByRole("heading", { name: "Not signed in" })).toBeVisible();
  });

  test("show what the appliance is, and never the token (OS-09)", async () => {
    renderPage("/settings");
    const appliance = await screen.findByRole("region", { name: "Appliance" });
    expect(within(appliance).getByText("https://127.0.0.1:10443")).toBeVisible();
    expect(within(appliance).getByText("easymaker")).toBeVisible();
    await waitFor(() => { expect(screen.getByText(/export EM_PROFILE=local/)).toHaveTextContent('EM_TOKEN="$(easymaker-local token show)"'); });
  });
});

test("the SDK's lines name another address only where its profile does not know it (rest-api §1.1)", () => {
  expect(environmentLines(SYSTEM)).toContain("unset EM_API_URL");
  expect(environmentLines({ ...SYSTEM, apiUrl: "http://127.0.0.1:18240" })).toContain("export EM_API_URL=http://127.0.0.1:18240");
});
