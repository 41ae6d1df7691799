import { Select } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import type { TrialView, TuningView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";
import { statusName } from "@/lib/statuses";

/** The trial that the address names; else the best one, else the newest. */
export function useChosenTrial(tuning: TuningView, trials: readonly TrialView[]): TrialView | undefined {
  const [params] = useSearchParams();
  const of = (id: string | null): TrialView | undefined => trials.find(({ trialId }) => trialId === id);
  return of(params.get("trial")) ?? of(tuning.optimalTrialId) ?? trials.at(-1);
}

/** A trial in words: its number, how it stands and what it came to. */
export const trialWords = (trial: TrialView): string =>
  `#${String(trial.number)} ${statusName(trial.trialStatusCode)}${trial.objectiveValue === null ? "" : ` ${compact(trial.objectiveValue)}`}`;

/** Chooses the trial whose log or use is shown; the address keeps it. */
export function TrialSelect({ trials, chosen }: { trials: readonly TrialView[]; chosen: TrialView }) {
  const { t } = useTranslation("tunings");
  const [, setParams] = useSearchParams();
  return (
    <Select
      size="xs" w={280} searchable aria-label={t("trial")} allowDeselect={false} value={chosen.trialId} data={trials.map((trial) => ({ value: trial.trialId, label: trialWords(trial) }))}
      onChange={(id) => { if (id !== null) setParams((now) => { const next = new URLSearchParams(now); next.set("trial", id); return next; }, { replace: true }); }}
    />
  );
}
