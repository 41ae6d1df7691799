import { createBrowserRouter, type RouteObject } from "react-router";

import { PAGES } from "./pages";
import { Shell } from "./Shell";
import { NotThere, RouteError } from "./RouteError";

/** Every page; each is loaded when somebody goes there. */
export const routes: RouteObject[] = [
  {
    path: "/",
    Component: Shell,
    // The first page is loaded within the shell, which is there at once.
    HydrateFallback: () => null,
    ErrorBoundary: RouteError,
    children: [
      {
        ErrorBoundary: RouteError,
        children: [
          ...Object.entries(PAGES).map(([path, load]): RouteObject => {
            const lazy = async () => ({ Component: (await load()).default });
            return path === "" ? { index: true, lazy } : { path, lazy };
          }),
          { path: "*", Component: NotThere },
        ],
      },
    ],
  },
];

export const createRouter = () => createBrowserRouter(routes);
