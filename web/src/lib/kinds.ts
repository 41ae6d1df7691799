/** The kinds of resources as the API names them in changes, searches and the queue. */
export const KINDS = [
  "experiment", "training", "training-template", "hyperparameter-tuning", "trial", "model", "endpoint", "endpoint-stage",
  "endpoint-model", "pod", "image", "queue",
] as const;
export type Kind = (typeof KINDS)[number];

/**
 * Keys of the query cache begin with the kind, then say what of it: `["training", "list", filters]`,
 * `["training", "one", id]`, `["training", "events", id]`. So a change of a resource finds all that shows it.
 */
export type QueryKey = readonly [Kind | "system" | "storage" | "logs" | "monitoring" | "disk" | "statistics", ...unknown[]];

// What holds the machine says its kind in the ledger's words.
const OTHER_WORDS: Partial<Record<string, Kind>> = {
  tuning: "hyperparameter-tuning", stage: "endpoint-stage", stageresource: "endpoint-model", "training template": "training-template",
};

/** A kind in the API's words. */
export const kindOf = (word: string): string => OTHER_WORDS[word] ?? word;

/** The field that has a resource's id, such as `trainingTemplateId`. */
export const idField = (kind: Kind): string => `${kind.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Id`;
