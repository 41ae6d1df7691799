/** A training's request in the words of the command line and of the SDK. */
import type { RequestWords } from "@/components/CreationForm";
import { DEFAULT_MINUTES } from "@/components/job/jobForm";
import { jobOptions } from "@/components/job/jobWords";
import type { TrainingSpec } from "@/lib/api/generated/types.gen";
import { commandLine, pythonCall, pythonList, pythonObject, pythonText } from "@/lib/words";

/** `imageName`: the SDK names images as people do. */
export function trainingWords(body: TrainingSpec, imageName: string | undefined): RequestWords {
  const { instanceCount = 1, timeoutMinutes = DEFAULT_MINUTES, nprocPerNode = 0 } = body;
  const cli = commandLine(["easymaker-local", "training", "run"], [
    ["--name", body.trainingName], ["--experiment", body.experimentId], ["--description", body.description], ...jobOptions(body),
  ]);
  const sdk = pythonCall("easymaker.Training().run", [
    ["experiment_id", body.experimentId], ["training_name", pythonText(body.trainingName)],
    ["description", body.description], ["image_name", pythonText(imageName)],
    ["instance_type_name", pythonText(body.flavorId)], ["distributed_node_count", instanceCount === 1 ? null : instanceCount],
    ["use_torchrun", body.useTorchrun === true ? true : null], ["nproc_per_node", nprocPerNode === 0 ? null : nprocPerNode],
    ["source_dir_uri", body.sourceDirUri], ["entry_point", body.entryPoint],
    ["hyperparameter_list", pythonList((body.hyperparameterList ?? []).map(({ parameterName, parameterValue }) =>
      pythonObject("easymaker.Parameter", [["parameter_name", pythonText(parameterName)], ["parameter_value", pythonText(parameterValue)]])))],
    ["dataset_list", pythonList((body.datasetList ?? []).map(({ datasetName, dataUri }) =>
      pythonObject("easymaker.Dataset", [["dataset_name", pythonText(datasetName)], ["data_uri", pythonText(dataUri)]])))],
    ["check_point_input_uri", body.checkPointInputUri], ["model_upload_uri", pythonText(body.modelUploadUri)],
    ["check_point_upload_uri", body.checkPointUploadUri], ["data_storage_size", body.dataStorageSize],
    ["timeout_hours", timeoutMinutes === DEFAULT_MINUTES ? null : timeoutMinutes / 60], ["use_log", body.useLog === true ? true : null],
  ]);
  return { cli, sdk: `import easymaker\n\neasymaker.init(appkey="local", profile="local")\n${sdk}` };
}
