/** Keys that lead somewhere: two keys one after the other. */
import { paths } from "./paths";

export const GO = [
  { keys: "g d", label: "dashboard", to: paths.dashboard },
  { keys: "g x", label: "experiments", to: paths.experiments.list },
  { keys: "g t", label: "trainings", to: paths.trainings.list },
  { keys: "g h", label: "tunings", to: paths.tunings.list },
  { keys: "g p", label: "templates", to: paths.templates.list },
  { keys: "g m", label: "models", to: paths.models.list },
  { keys: "g e", label: "endpoints", to: paths.endpoints.list },
  { keys: "g s", label: "storage", to: paths.storage() },
  { keys: "g i", label: "images", to: paths.images },
  { keys: "g q", label: "queue", to: paths.queue },
  { keys: "g l", label: "logs", to: paths.logs },
  { keys: "g o", label: "monitoring", to: paths.monitoring },
  { keys: "g k", label: "disk", to: paths.disk },
  { keys: "g ,", label: "settings", to: paths.settings },
] as const;

export const CREATE = [
  { keys: "c x", label: "createExperiment", to: paths.experiments.create },
  { keys: "c t", label: "createTraining", to: paths.trainings.create },
  { keys: "c h", label: "createTuning", to: paths.tunings.create },
  { keys: "c p", label: "createTemplate", to: paths.templates.create },
  { keys: "c m", label: "createModel", to: paths.models.create },
  { keys: "c e", label: "createEndpoint", to: paths.endpoints.create },
] as const;

const BETWEEN_MS = 1200;

/** Calls `go` for every pair of keys that leads somewhere, and what belongs to a single key. Returns what ends that. */
export function listenForShortcuts(go: (to: string) => void, singles: Readonly<Record<string, () => void>>): () => void {
  let first = { key: "", at: -Infinity };
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isBusy(event.target)) return;
    const single = singles[event.key];
    if (single !== undefined) {
      event.preventDefault();
      single();
      return;
    }
    const keys = event.timeStamp - first.at < BETWEEN_MS ? `${first.key} ${event.key}` : "";
    first = { key: event.key, at: event.timeStamp };
    const found = [...GO, ...CREATE].find((each) => each.keys === keys);
    if (found === undefined) return;
    event.preventDefault();
    go(found.to);
  };
  document.addEventListener("keydown", onKey);
  return () => { document.removeEventListener("keydown", onKey); };
}

/** True where keys mean text, or a dialogue or menu has them. */
function isBusy(target: EventTarget | null): boolean {
  return target instanceof HTMLElement
    && (target.isContentEditable || target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [role=dialog], [role=menu], [role=listbox]") !== null);
}
