import { payload, PROJECT } from "@/lib/api/client";
import { rotateToken } from "@/lib/api/generated/sdk.gen";

/** Replaces the token; this page's session ends with it, too. */
export const replaceToken = () => payload(rotateToken({ path: PROJECT }));
