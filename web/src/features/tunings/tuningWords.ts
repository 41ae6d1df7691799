/** The request that a form makes, as a command and as a program. */
import type { RequestWords } from "@/components/CreationForm";
import { jobOptions } from "@/components/job/jobWords";
import type { HyperparameterSpec, TuningSpec } from "@/lib/api/generated/types.gen";
import { Code, commandLine, pythonCall, pythonList, pythonObject, pythonText } from "@/lib/words";

import { isRange, nodesPerTrial } from "./tuningForm";

const HOUR_MINUTES = 60;
const STRATEGIES = { GRID: "grid", RANDOM: "random", BAYESIAN_OPTIMIZATION: "bayesian" } as const;

/** What ids of the body are called; null: not chosen yet. */
interface Names {
  image: string | null;
  flavor: string | null;
}

export const tuningWords = (body: TuningSpec, names: Names): RequestWords => ({ cli: cliOf(body, names), sdk: sdkOf(body, names) });

/** `lr=0.001:0.1:0.001`, or `opt=sgd,adam`. */
function optionOf(spec: HyperparameterSpec, isGrid: boolean): string {
  const { hyperparameterMinValue: low, hyperparameterMaxValue: high, hyperparameterStep: step } = spec;
  const values = isRange(spec) ? [low ?? "", high ?? "", ...(isGrid && step ? [step] : [])].join(":") : (spec.hyperparameterSpecifiedValues ?? "").replace(/\s*,\s*/g, ",");
  return `${spec.hyperparameterName}=${values}`;
}

// A row that nobody has begun is nothing yet.
const named = (body: TuningSpec): HyperparameterSpec[] =>
  (body.hyperparameterSpecList ?? []).filter((spec) => (spec as Partial<HyperparameterSpec>).hyperparameterName !== undefined);

function cliOf(body: TuningSpec, { image, flavor }: Names): string {
  const job = jobOptions({ ...body, imageId: image, flavorId: flavor, instanceCount: nodesPerTrial(body) });
  const parallel = body.parallelTrialCount ?? 1;
  const early = body.earlyStoppingAlgorithm != null;
  return commandLine(["easymaker-local", "tuning", "run"], [
    ["--name", body.hyperparameterTuningName], ["--description", body.description], ["--experiment", body.experimentId], ...job,
    ...named(body).map((spec) => [`--${spec.hyperparameterTypeCode}`, optionOf(spec, body.tuningStrategyName === "GRID")] as const),
    ["--strategy", body.tuningStrategyName == null ? null : STRATEGIES[body.tuningStrategyName]], ["--random-state", body.tuningStrategyRandomState],
    ...(body.metricList ?? []).map(({ name }) => ["--metric", name] as const), ["--regex", body.metricRegex],
    ["--objective", body.objectiveMetric?.name], [body.objectiveTypeCode === "MAXIMIZE" ? "--maximize" : "--minimize", body.objectiveTypeCode != null], ["--goal", body.objectiveGoal],
    ["--max-trials", body.maxTrialCount], ["--max-failed-trials", body.maxFailedTrialCount], ["--parallel", parallel === 1 ? null : parallel],
    ["--early-stopping", early ? "median" : null], ["--min-trials", early ? body.earlyStoppingMinTrialCount : null], ["--start-step", early ? body.earlyStoppingStartStep : null],
    ["--detach", true],
  ]);
}

const codeOf = (kind: string, value: string | null | undefined): Code | null => (value == null ? null : new Code(`easymaker.${kind}.${value}`));

const specOf = (spec: HyperparameterSpec): Code => pythonObject("easymaker.HyperparameterSpec", [
  ["hyperparameter_name", pythonText(spec.hyperparameterName)], ["hyperparameter_type_code", codeOf("HyperparameterTypeCode", spec.hyperparameterTypeCode.toUpperCase())],
  ...(isRange(spec)
    ? [["hyperparameter_min_value", spec.hyperparameterMinValue], ["hyperparameter_max_value", spec.hyperparameterMaxValue], ["hyperparameter_step", spec.hyperparameterStep]] as const
    : [["hyperparameter_specified_values", spec.hyperparameterSpecifiedValues]] as const),
]);

function sdkOf(body: TuningSpec, { image, flavor }: Names): string {
  const early = body.earlyStoppingAlgorithm != null;
  const call = pythonCall("tuning = easymaker.HyperparameterTuning().run", [
    ["hyperparameter_tuning_name", body.hyperparameterTuningName], ["description", body.description], ["experiment_id", body.experimentId],
    ["image_name", image], ["instance_type_name", flavor], ["distributed_node_count", nodesPerTrial(body)], ["parallel_trial_count", body.parallelTrialCount ?? 1],
    ["use_torchrun", body.useTorchrun === true ? true : null], ["nproc_per_node", body.useTorchrun === true ? body.nprocPerNode : null],
    ["source_dir_uri", body.sourceDirUri], ["entry_point", body.entryPoint],
    ["dataset_list", pythonList((body.datasetList ?? []).map((one) => pythonObject("easymaker.Dataset", [["dataset_name", pythonText(one.datasetName)], ["data_uri", pythonText(one.dataUri)]])))],
    ["check_point_input_uri", body.checkPointInputUri], ["model_upload_uri", body.modelUploadUri], ["check_point_upload_uri", body.checkPointUploadUri],
    ["hyperparameter_spec_list", pythonList(named(body).map(specOf))],
    ["metric_list", pythonList((body.metricList ?? []).map(({ name }) => pythonObject("easymaker.Metric", [["name", pythonText(name)]])))], ["metric_regex", body.metricRegex],
    ["objective_metric_name", body.objectiveMetric?.name], ["objective_type_code", codeOf("ObjectiveTypeCode", body.objectiveTypeCode)], ["objective_goal", body.objectiveGoal],
    ["tuning_strategy_name", codeOf("TuningStrategy", body.tuningStrategyName)], ["tuning_strategy_random_state", body.tuningStrategyRandomState],
    ["max_trial_count", body.maxTrialCount], ["max_failed_trial_count", body.maxFailedTrialCount],
    ["early_stopping_algorithm", codeOf("EarlyStoppingAlgorithm", body.earlyStoppingAlgorithm)], ["early_stopping_min_trial_count", early ? body.earlyStoppingMinTrialCount : null],
    ["early_stopping_start_step", early ? body.earlyStoppingStartStep : null], ["data_storage_size", body.dataStorageSize],
    // The SDK takes whole hours.
    ["timeout_hours", body.timeoutMinutes === undefined ? null : Math.ceil(body.timeoutMinutes / HOUR_MINUTES)], ["use_log", body.useLog === true ? true : null], ["wait", false],
  ]);
  return `import easymaker\n\neasymaker.init(appkey="local", profile="local")\n${call}`;
}
