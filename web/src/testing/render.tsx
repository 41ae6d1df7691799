import { render } from "@testing-library/react";
import { userEvent, type UserEvent } from "@testing-library/user-event";
import { createMemoryRouter } from "react-router";
import { RouterProvider } from "react-router/dom";

import { Providers } from "@/app/Providers";
import { routesOf } from "@/app/router";

import { testClient } from "./clients";

/** Shows a page as a browser would, frame and all. `router.state.location` says where somebody got to. */
export function renderPage(path: string): { user: UserEvent; router: ReturnType<typeof createMemoryRouter> } {
  const client = testClient();
  const router = createMemoryRouter(routesOf(client), { initialEntries: [path] });
  render(<Providers client={client} env="test"><RouterProvider router={router} /></Providers>);
  return { user: userEvent.setup(), router };
}
