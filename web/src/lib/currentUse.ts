/** What everything uses now: asked once, then kept up to date by the samples of the stream. */
import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "./api/client";
import { listCurrentUse } from "./api/generated/sdk.gen";
import type { CurrentView } from "./api/generated/types.gen";

/** Data of a sample of the stream, as far as it is about use. */
export interface CurrentUse {
  currentList: CurrentView[];
}

export const useCurrentUse = () =>
  useQuery<CurrentUse>({ queryKey: ["monitoring", "now"], queryFn: () => payload(listCurrentUse({ path: PROJECT })) });
