import type { QueryClient } from "@tanstack/react-query";
import { createBrowserRouter, type LoaderFunctionArgs, type RouteObject } from "react-router";

import { PAGES } from "./pages";
import { Shell } from "./Shell";
import { NotThere, RouteError } from "./RouteError";

/** Every page; each is loaded when somebody goes there, and what it shows is asked for while it is drawn. */
export const routesOf = (client: QueryClient): RouteObject[] => [
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
            const lazy = async () => {
              const { default: Component, preload } = await load();
              if (preload === undefined) return { Component };
              const loader = ({ request }: LoaderFunctionArgs): null => {
                preload(client, new URL(request.url).searchParams);
                return null;
              };
              // What else somebody wants to see of a page asks for itself.
              return { Component, loader, shouldRevalidate: () => false };
            };
            return path === "" ? { index: true, lazy } : { path, lazy };
          }),
          { path: "*", Component: NotThere },
        ],
      },
    ],
  },
];

export const createRouter = (client: QueryClient) => createBrowserRouter(routesOf(client));
