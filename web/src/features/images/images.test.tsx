import { screen, within } from "@testing-library/react";
import { http } from "msw";

import { tell } from "@/testing/eventSource";
import { renderPage } from "@/testing/render";
import { api, server, success } from "@/testing/server";

const image = (imageId: string, coreTypeCode: string, frameworkCode: string) => ({
  imageId, imageName: imageId, description: "", imageTypeCode: "TRAINING", groupTypeCode: "TRAINING", coreTypeCode, frameworkCode, frameworkVersion: "1", pythonVersion: "3.11", address: null,
});

test("images are chosen by core type, prepared, and followed by the stream (IT-01, IT-03)", async () => {
  let state = { isReady: false, progress: null as string | null, error: null as string | null };
  server.use(
    http.get(api("/images"), () => success({ imageList: [image("torch-cpu", "CPU", "PYTORCH"), image("torch-gpu", "GPU", "PYTORCH")] })),
    http.get(api("/images/:id/preparation"), ({ params }) => success({ preparation: { imageId: String(params.id), ...state } })),
    http.post(api("/images/:id/preparation"), ({ params }) => {
      state = { isReady: false, progress: "Installing torch", error: null };
      return success({ preparation: { imageId: String(params.id), ...state } });
    }),
  );
  const { user } = renderPage("/images");
  await screen.findByRole("row", { name: /torch-cpu/ });
  await user.click(screen.getByRole("radio", { name: "GPU" }));
  expect(screen.queryByRole("row", { name: /torch-cpu/ })).not.toBeInTheDocument();
  const row = screen.getByRole("row", { name: /torch-gpu/ });
  await user.click(await within(row).findByRole("button", { name: "Prepare" }));
  expect(await within(row).findByText("Installing torch")).toBeVisible();
  state = { isReady: false, progress: null, error: "pip found no torch" };
  tell("/changes", "change", { changeList: [{ kind: "image", resourceId: "torch-gpu" }] });
  expect(await within(row).findByText("Not prepared")).toBeVisible();
  state = { isReady: true, progress: null, error: null };
  tell("/changes", "change", { changeList: [{ kind: "image", resourceId: "torch-gpu" }] });
  expect(await within(row).findByText("Prepared")).toBeVisible();
});
