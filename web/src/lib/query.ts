/** The cache of what the daemon said. Changes are told by the stream of `live.ts`, so nothing is asked again by a clock but what no change tells of. */
import { QueryClient } from "@tanstack/react-query";

import { ApiError } from "./api/client";

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Infinity,
        refetchOnWindowFocus: false,
        // A daemon that restarts is back within a second or two; what it refused it will refuse again.
        retry: (failures, error) => error instanceof ApiError && error.status === 0 && failures < 5,
        retryDelay: (failures) => Math.min(250 * 2 ** failures, 2000),
      },
      mutations: { retry: false },
    },
  });
}
