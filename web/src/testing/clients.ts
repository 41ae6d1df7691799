/** The caches of the pages that a test shows. */
import type { QueryClient } from "@tanstack/react-query";

import { createQueryClient } from "@/lib/query";

const clients = new Set<QueryClient>();

/** A cache that ends with its test. */
export function testClient(): QueryClient {
  const client = createQueryClient();
  clients.add(client);
  return client;
}

/** Ends what pages still ask for, or would ask again, when nobody looks at them any more. */
export function forgetClients(): void {
  clients.forEach((client) => { client.clear(); });
  clients.clear();
}
