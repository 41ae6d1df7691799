import type { ModelStatus } from "@/lib/api/generated/types.gen";

/** Every status of a model (MD-24…MD-29), in the order of its life. */
export const MODEL_STATUSES = [
  "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "ACTIVE", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_FAILED",
] as const satisfies readonly ModelStatus[];
