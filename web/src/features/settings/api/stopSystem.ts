import { payload, PROJECT } from "@/lib/api/client";
import { stopSystem } from "@/lib/api/generated/sdk.gen";

/** Ends the daemon; what runs goes on. */
export const stopDaemon = () => payload(stopSystem({ path: PROJECT }));
