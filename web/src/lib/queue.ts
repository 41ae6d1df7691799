/** What runs and what waits, in the order in which it is served (IT-L03). */
import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "./api/client";
import { getQueue } from "./api/generated/sdk.gen";

/** All that runs, and of what waits the first `limit`. */
export const useQueue = (limit: number) => useQuery({
  queryKey: ["queue", "state", limit], queryFn: async () => (await payload(getQueue({ path: PROJECT, query: { limit } }))).queue,
});
