/** Several trainings side by side: what is the same, what differs, and what came of them (TR-34). */
import type { TrainingMetricView, TrainingView } from "@/lib/api/generated/types.gen";

export interface Row {
  name: string;
  /** A value for each training; null: it has none. */
  values: readonly (string | null)[];
  isDifferent: boolean;
}

export function rowOf(name: string, values: readonly (string | null)[]): Row {
  return { name, values, isDifferent: new Set(values).size > 1 };
}

/** A row for each hyperparameter that one of them has, as they come. */
export function hyperparameterRows(trainings: readonly TrainingView[]): Row[] {
  const given = trainings.map(({ hyperparameterList }) => new Map(hyperparameterList.map((one) => [one.parameterName, one.parameterValue])));
  return unionOf(given.map((values) => [...values.keys()])).map((name) => rowOf(name, given.map((values) => values.get(name) ?? null)));
}

/** The names of trainings, with the beginning of their ids where several have the same. */
export function labelsOf(trainings: readonly TrainingView[]): string[] {
  return trainings.map(({ trainingName, trainingId }) =>
    trainings.filter((other) => other.trainingName === trainingName).length === 1 ? trainingName : `${trainingName} ${trainingId.slice(0, 8)}`);
}

export interface ComparedMetric {
  name: string;
  /** What each training logged of it; undefined: nothing. */
  metrics: readonly (TrainingMetricView | undefined)[];
}

/** Every metric that one of them logged, those first that most of them did: these are what is compared. */
export function comparedMetrics(lists: readonly (readonly TrainingMetricView[] | undefined)[]): ComparedMetric[] {
  const byName = lists.map((list) => new Map((list ?? []).map((metric) => [metric.metricName, metric])));
  const many = ({ metrics }: ComparedMetric): number => metrics.filter((metric) => metric !== undefined).length;
  return unionOf(byName.map((metrics) => [...metrics.keys()])).sort()
    .map((name) => ({ name, metrics: byName.map((metrics) => metrics.get(name)) }))
    .sort((one, other) => many(other) - many(one));
}

export type Mark = "lowest" | "highest" | null;

/** Which of some values is the lowest and which the highest; none where all are the same: nobody told which is better. */
export function marksOf(values: readonly (number | null | undefined)[]): Mark[] {
  const known = values.filter((value) => value != null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return values.map((value) => value == null || !(low < high) ? null : value === low ? "lowest" : value === high ? "highest" : null);
}

const unionOf = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())];
