/** Every path of the page, built in one place. */
const one = (base: string) => ({
  list: `/${base}`,
  create: `/${base}/new`,
  one: (id: string, tab?: string) => `/${base}/${id}${tab === undefined ? "" : `?tab=${tab}`}`,
});

export const paths = {
  dashboard: "/",
  experiments: one("experiments"),
  trainings: { ...one("trainings"), compare: (ids: readonly string[]) => `/trainings/compare?${new URLSearchParams(ids.map((id) => ["id", id])).toString()}` },
  templates: one("templates"),
  tunings: one("tunings"),
  models: one("models"),
  endpoints: one("endpoints"),
  stage: (endpointId: string, stageId: string, tab?: string) =>
    `/endpoints/${endpointId}/stages/${stageId}${tab === undefined ? "" : `?tab=${tab}`}`,
  images: "/images",
  storage: (uri?: string) => (uri === undefined ? "/storage" : `/storage?uri=${encodeURIComponent(uri)}`),
  queue: "/queue",
  logs: "/logs",
  monitoring: "/monitoring",
  disk: "/disk",
  settings: "/settings",
} as const;

/** Where a resource of the API has its page; null: it has none of its own. */
export function pathOf(kind: string, id: string, parentId?: string | null): string | null {
  switch (kind) {
    case "experiment": return paths.experiments.one(id);
    case "training": return paths.trainings.one(id);
    case "training-template": return paths.templates.one(id);
    case "hyperparameter-tuning": return paths.tunings.one(id);
    case "model": return paths.models.one(id);
    case "endpoint": return paths.endpoints.one(id);
    case "endpoint-stage": return parentId == null ? null : paths.stage(parentId, id);
    case "image": return paths.images;
    default: return null;
  }
}
