import type { EndpointStatus } from "@/lib/api/generated/types.gen";

/** Every status of an endpoint (EP-22…EP-28), in the order of its life. */
export const ENDPOINT_STATUSES = [
  "CREATE_REQUESTED", "CREATE_IN_PROGRESS", "ACTIVE", "UPDATE_IN_PROGRESS", "CREATE_FAILED", "UPDATE_FAILED", "DELETE_IN_PROGRESS",
] as const satisfies readonly EndpointStatus[];
