import { createBrowserRouter, type RouteObject } from "react-router";

import { Shell } from "./Shell";
import { NotThere, RouteError } from "./RouteError";

type Page = { default: React.ComponentType };
const lazy = (load: () => Promise<Page>) => async () => ({ Component: (await load()).default });

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
          { index: true, lazy: lazy(() => import("./routes/dashboard")) },
          { path: "experiments", lazy: lazy(() => import("./routes/experiments/list")) },
          { path: "experiments/new", lazy: lazy(() => import("./routes/experiments/create")) },
          { path: "experiments/:id", lazy: lazy(() => import("./routes/experiments/detail")) },
          { path: "trainings", lazy: lazy(() => import("./routes/trainings/list")) },
          { path: "trainings/new", lazy: lazy(() => import("./routes/trainings/create")) },
          { path: "trainings/compare", lazy: lazy(() => import("./routes/trainings/compare")) },
          { path: "trainings/:id", lazy: lazy(() => import("./routes/trainings/detail")) },
          { path: "templates", lazy: lazy(() => import("./routes/templates/list")) },
          { path: "templates/new", lazy: lazy(() => import("./routes/templates/create")) },
          { path: "templates/:id", lazy: lazy(() => import("./routes/templates/detail")) },
          { path: "tunings", lazy: lazy(() => import("./routes/tunings/list")) },
          { path: "tunings/new", lazy: lazy(() => import("./routes/tunings/create")) },
          { path: "tunings/:id", lazy: lazy(() => import("./routes/tunings/detail")) },
          { path: "models", lazy: lazy(() => import("./routes/models/list")) },
          { path: "models/new", lazy: lazy(() => import("./routes/models/create")) },
          { path: "models/:id", lazy: lazy(() => import("./routes/models/detail")) },
          { path: "endpoints", lazy: lazy(() => import("./routes/endpoints/list")) },
          { path: "endpoints/new", lazy: lazy(() => import("./routes/endpoints/create")) },
          { path: "endpoints/:id", lazy: lazy(() => import("./routes/endpoints/detail")) },
          { path: "endpoints/:id/stages/new", lazy: lazy(() => import("./routes/endpoints/createStage")) },
          { path: "endpoints/:id/stages/:stageId", lazy: lazy(() => import("./routes/endpoints/stage")) },
          { path: "images", lazy: lazy(() => import("./routes/images")) },
          { path: "storage", lazy: lazy(() => import("./routes/storage")) },
          { path: "queue", lazy: lazy(() => import("./routes/queue")) },
          { path: "logs", lazy: lazy(() => import("./routes/logs")) },
          { path: "monitoring", lazy: lazy(() => import("./routes/monitoring")) },
          { path: "disk", lazy: lazy(() => import("./routes/disk")) },
          { path: "settings", lazy: lazy(() => import("./routes/settings")) },
          { path: "*", Component: NotThere },
        ],
      },
    ],
  },
];

export const createRouter = () => createBrowserRouter(routes);
