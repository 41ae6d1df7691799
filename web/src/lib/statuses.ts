/** Every status of the product with its face; one that is missing here does not compile. */
import type { EndpointStatus, ModelStatus, PodState, TrainingStatus, TuningStatus } from "./api/generated/types.gen";

/** `waiting`: asked for; `working`: something runs; `good`: as wished; `rest`: ended by a wish; `bad`: failed. */
export type Mood = "waiting" | "working" | "good" | "rest" | "bad";

type TrialStatus = "CREATED" | "RUNNING" | "SUCCEEDED" | "KILLED" | "FAILED" | "METRICS_UNAVAILABLE" | "EARLY_STOPPED";
type StageStatus = "DEPLOY_IN_PROGRESS" | "DEPLOY_FAILED";
/** Of a stage at the API gateway (GW-12…GW-17), written as the wire has it. */
type GatewayStatus = "CREATE IN PROGRESS" | "STAGE DEPLOYING" | "NOT FOUND: STAGE" | "NOT FOUND: STAGE DEPLOY RESULT" | "STAGE DEPLOY FAIL";
export type Status = TrainingStatus | TuningStatus | ModelStatus | EndpointStatus | TrialStatus | StageStatus | GatewayStatus | PodState | "GONE" | "BROKEN";

export const MOODS: Record<Status, Mood> = {
  CREATE_REQUESTED: "waiting",
  CREATE_IN_PROGRESS: "working",
  CREATED: "waiting",
  RUNNING: "working",
  UPDATE_IN_PROGRESS: "working",
  DEPLOY_IN_PROGRESS: "working",
  COMPLETE_IN_PROGRESS: "working",
  STOP_IN_PROGRESS: "working",
  DELETE_IN_PROGRESS: "working",
  FAIL_TRAIN_IN_PROGRESS: "bad",
  FAIL_HYPERPARAMETER_TUNING_IN_PROGRESS: "bad",
  ACTIVE: "good",
  COMPLETE: "good",
  SUCCEEDED: "good",
  STOPPED: "rest",
  KILLED: "rest",
  EARLY_STOPPED: "rest",
  CREATE_FAILED: "bad",
  UPDATE_FAILED: "bad",
  DEPLOY_FAILED: "bad",
  DELETE_FAILED: "bad",
  FAIL_TRAIN: "bad",
  FAIL_HYPERPARAMETER_TUNING: "bad",
  FAILED: "bad",
  METRICS_UNAVAILABLE: "bad",
  BROKEN: "bad",
  PENDING: "waiting",
  STARTING: "working",
  READY: "good",
  UNREADY: "bad",
  WAITING: "bad",
  LEAVING: "rest",
  GONE: "rest",
  "CREATE IN PROGRESS": "working",
  "STAGE DEPLOYING": "working",
  "NOT FOUND: STAGE": "bad",
  "NOT FOUND: STAGE DEPLOY RESULT": "bad",
  "STAGE DEPLOY FAIL": "bad",
};

/** What a status of the API says; one that is newer than this page is shown as it is. */
export const moodOf = (status: string): Mood => (MOODS as Partial<Record<string, Mood>>)[status] ?? "waiting";

/** Status names are shown in capitals with blanks (GN-25), in every language. */
export const statusName = (status: string): string => status.replaceAll("_", " ");
