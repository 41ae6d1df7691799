/** The creation form of a tuning: what it holds when nobody has filled it, and how it is filled from elsewhere. */
import type { UseFormReturnType } from "@mantine/form";

import { EMPTY_JOB } from "@/components/job/jobForm";
import type { HyperparameterSpec, TuningSpec } from "@/lib/api/generated/types.gen";

export type TuningFormState = UseFormReturnType<TuningSpec>;

/** HP-27. */
export const DEFAULT_REGEX = String.raw`([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)`;

export const EMPTY_SPEC: HyperparameterSpec = {
  hyperparameterName: "", hyperparameterTypeCode: "double", hyperparameterMinValue: "", hyperparameterMaxValue: "", hyperparameterStep: "", hyperparameterSpecifiedValues: "",
};

// A template's hyperparameters have values; those of a tuning have ranges.
const JOB: Omit<typeof EMPTY_JOB, "hyperparameterList"> & { hyperparameterList?: unknown } = { ...EMPTY_JOB };
delete JOB.hyperparameterList;

export const EMPTY_TUNING: TuningSpec = {
  ...JOB, hyperparameterTuningName: "", description: "", dataStorageSize: null, parallelTrialCount: 1,
  hyperparameterSpecList: [EMPTY_SPEC], metricList: [], metricRegex: "", objectiveMetric: null, objectiveTypeCode: "MINIMIZE", objectiveGoal: null,
  maxTrialCount: 20, maxFailedTrialCount: null, tuningStrategyName: "BAYESIAN_OPTIMIZATION", tuningStrategyRandomState: null,
  earlyStoppingAlgorithm: null, earlyStoppingMinTrialCount: 3, earlyStoppingStartStep: 4,
};

/** Given by its ends, not by its values. */
export const isRange = (spec: Pick<HyperparameterSpec, "hyperparameterTypeCode">): boolean =>
  spec.hyperparameterTypeCode === "int" || spec.hyperparameterTypeCode === "double";

/** Nodes of one trial (HP-21). */
export const nodesPerTrial = (body: Pick<TuningSpec, "instanceCount" | "parallelTrialCount">): number =>
  Math.max(1, Math.floor((body.instanceCount ?? 1) / (body.parallelTrialCount ?? 1)));

const LONGEST_NAME = 50;
const COPY = "-copy";

interface TemplateValues extends Partial<TuningSpec> {
  hyperparameterList?: { parameterName: string; parameterValue: string }[];
}

/** Fills the form from a template's values, whose hyperparameters come as names with ranges left to be said. */
export function filled(values: TemplateValues): TuningSpec {
  const { hyperparameterList = [], ...given } = values;
  const known = Object.fromEntries(Object.entries(given).filter(([name, value]) => (name in EMPTY_TUNING || name === "algorithmId") && value != null)) as Partial<TuningSpec>;
  const specs = given.hyperparameterSpecList ?? hyperparameterList.map(({ parameterName }) => ({ hyperparameterName: parameterName, hyperparameterTypeCode: "double" as const }));
  return {
    ...EMPTY_TUNING, ...known,
    metricRegex: known.metricRegex === DEFAULT_REGEX ? "" : known.metricRegex ?? "",
    hyperparameterSpecList: specs.length === 0 ? [EMPTY_SPEC] : specs.map((spec) => ({ ...EMPTY_SPEC, ...withoutNull(spec) })),
  };
}

/** Fills the form with the settings of a tuning, for another one. What was not limited stays without a limit (GN-14). */
export function copied(source: TuningSpec): TuningSpec {
  const name = `${source.hyperparameterTuningName.slice(0, LONGEST_NAME - COPY.length)}${COPY}`;
  return { ...filled(source), hyperparameterTuningName: name, maxTrialCount: source.maxTrialCount ?? null };
}

const withoutNull = (spec: HyperparameterSpec): HyperparameterSpec =>
  Object.fromEntries(Object.entries(spec).filter(([, value]) => value != null)) as unknown as HyperparameterSpec;
