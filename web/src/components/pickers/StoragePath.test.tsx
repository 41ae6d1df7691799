import { render, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { http } from "msw";
import { useState } from "react";

import { Providers } from "@/app/Providers";
import { createQueryClient } from "@/lib/query";
import { api, server, success } from "@/testing/server";

import { StoragePath, type StoragePathProps } from "./StoragePath";

const ROOT = "obs://local/v1/AUTH_local";
const entry = (name: string, isDirectory: boolean) => ({ name, isDirectory, size: 1024, modifiedDatetime: "2026-01-31T08:00:00Z" });
const FOLDERS: Record<string, ReturnType<typeof entry>[]> = {
  [`${ROOT}/demo`]: [entry("iris", true), entry("images", true), entry("readme.txt", false)],
  [`${ROOT}/demo/iris`]: [entry("iris.csv", false)],
};

function Field(props: StoragePathProps) {
  const [value, setValue] = useState("");
  return <StoragePath label="Source" {...props} value={value} onChange={(event) => { setValue(event.currentTarget.value); }} />;
}

function show(props: StoragePathProps = {}) {
  server.use(
    http.get(api("/storage/containers"), () => success({ containerList: ["demo", "models"], nasList: [{ nasId: "share", path: "/srv/share", isReadOnly: true }] })),
    http.get(api("/storage/objects"), ({ request }) => success({ objectList: FOLDERS[new URL(request.url).searchParams.get("uri") ?? ""] ?? [] })),
  );
  render(<Providers client={createQueryClient()} env="test"><Field {...props} /></Providers>);
  return { user: userEvent.setup(), field: screen.getByRole("textbox", { name: "Source" }) };
}

describe("a path in storage", () => {
  test("is completed part by part while somebody types", async () => {
    const { user, field } = show();
    await user.type(field, "de");
    await user.click(await screen.findByRole("option", { name: "demo" }));
    expect(field).toHaveValue(`${ROOT}/demo/`);
    await user.clear(field);
    await user.type(field, "demo/ir");
    expect(await screen.findByRole("option", { name: "iris" })).toBeVisible();
    expect(screen.queryByRole("option", { name: "images" })).not.toBeInTheDocument();
  });

  test("may lie on a NAS (GN-07)", async () => {
    const { user, field } = show();
    await user.type(field, "nas://");
    await user.click(await screen.findByRole("option", { name: "share" }));
    expect(field).toHaveValue("nas://share:/");
  });

  test("may be typed as a path below a container", async () => {
    const { user, field } = show();
    await user.type(field, "demo/iris");
    await user.tab();
    expect(field).toHaveValue(`${ROOT}/demo/iris`);
  });

  test("is chosen from what is there; where a folder is wanted, no file is (OS-L03)", async () => {
    const { user, field } = show({ wants: "folder" });
    await user.click(screen.getByRole("button", { name: "Browse storage" }));
    await user.click(await screen.findByRole("button", { name: "demo" }));
    await user.click(await screen.findByRole("button", { name: /readme.txt/ }));
    expect(field).toHaveValue("");
    await user.click(screen.getByRole("button", { name: "iris" }));
    await user.click(await screen.findByRole("button", { name: "Choose this folder" }));
    expect(field).toHaveValue(`${ROOT}/demo/iris`);
  });

  test("says which permission is missing, and grants that alone (OS-L02)", async () => {
    let isReadable = false;
    const asked: unknown[] = [];
    const access = (isReadableNow: boolean) => ({ containerName: "demo", readAcl: null, writeAcl: null, isReadable: isReadableNow, isWritable: false });
    server.use(
      http.get(api("/storage/access"), () => success({ systemAccount: "local:local", containerAccessList: [access(isReadable)] })),
      http.put(api("/storage/containers/demo/access"), async ({ request }) => {
        asked.push(await request.json());
        isReadable = true;
        return success({ containerAccess: access(true) });
      }),
    );
    const { user, field } = show({ needs: "read" });
    await user.type(field, "demo/iris");
    expect(await screen.findByText("The system account local:local may not read the container demo.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Grant read permission" }));
    await waitFor(() => { expect(screen.queryByText(/may not read/)).not.toBeInTheDocument(); });
    expect(asked).toEqual([{ read: true }]);
  });
});
