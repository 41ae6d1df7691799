export default {
  counting: "Counting…",
  summary: "The appliance takes {{ours}}. {{free}} of {{total}} are free.",
  others: "Everything else",
  kinds: { BUCKET: "Containers", ENVIRONMENT: "Environments", TRAINING: "Trainings", MODEL: "Copies of models", MLFLOW: "MLflow", DATABASE: "Databases", LOG: "Logs", TRASH: "Remains of deletions" },
  more_one: "and {{count}} smaller one",
  more_other: "and {{count}} smaller ones",
  nothingToReclaim: "Nothing to reclaim",
  reclaim: "Reclaim {{size}}",
  reclaimTitle: "What nothing needs any more",
  reclaimText: "Containers and trainings are never touched. An environment that goes is built again when a job needs it.",
  remove: "Remove {{size}} for good",
  freed: "{{size}} are free again.",
} as const;
