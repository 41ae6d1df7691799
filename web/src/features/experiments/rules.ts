/** What may be done with an experiment, and why not (EX.2, EX.3). */
import type { TFunction } from "i18next";

import type { ExperimentView } from "@/lib/api/generated/types.gen";
import { statusName } from "@/lib/statuses";

type T = TFunction<"experiments">;

/** What blocks the deletion beside its own status is known to its page only; the daemon names it, too. */
export const deleteRefusal = (experiment: ExperimentView, t: T): string | null =>
  (["CREATE_REQUESTED", "CREATE_IN_PROGRESS"].includes(experiment.experimentStatusCode) ? t("notDeletable", { status: statusName(experiment.experimentStatusCode) }) : null);

export const retryRefusal = (experiment: ExperimentView, t: T): string | null =>
  (experiment.experimentStatusCode === "CREATE_FAILED" ? null : t("notRetryable", { status: statusName(experiment.experimentStatusCode) }));
