/** An experiment's request in the words of the command line and of the SDK. */
import type { RequestWords } from "@/components/CreationForm";
import type { ExperimentSpec } from "@/lib/api/generated/types.gen";
import { commandLine, pythonCall, pythonText } from "@/lib/words";

export function experimentWords({ experimentName = "", description }: Partial<ExperimentSpec>): RequestWords {
  const call = pythonCall("easymaker.Experiment().create", [["experiment_name", pythonText(experimentName)], ["description", description]]);
  return {
    cli: commandLine(["easymaker-local", "experiment", "create", experimentName || "NAME"], [["--description", description]]),
    sdk: `import easymaker\n\neasymaker.init(appkey="local", profile="local")\n${call}`,
  };
}
