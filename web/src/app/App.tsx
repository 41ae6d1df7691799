import { useState } from "react";
import { RouterProvider } from "react-router/dom";

import { createQueryClient } from "@/lib/query";

import { Providers } from "./Providers";
import { createRouter } from "./router";

/** Everything around the pages. */
export function App() {
  const [client] = useState(createQueryClient);
  const [router] = useState(() => createRouter(client));
  // Without transitions: the answer to a click is drawn in one go, not in slices with other work between them.
  return <Providers client={client}><RouterProvider router={router} useTransitions={false} /></Providers>;
}
