import { useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { listImages } from "@/lib/api/generated/sdk.gen";

/** The images of the catalogue; it changes with the appliance's files only. */
export const useImages = () => useQuery({
  queryKey: ["image", "list"], queryFn: async () => (await payload(listImages({ path: PROJECT }))).imageList,
});
