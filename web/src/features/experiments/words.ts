/** An experiment's request in the words of the command line and of the SDK. */
import type { RequestWords } from "@/components/CreationForm";
import { commandLine, optionalText, pythonCall, pythonText } from "@/components/job/jobWords";
import { shellWord } from "@/lib/words";
import type { ExperimentSpec } from "@/lib/api/generated/types.gen";

export function experimentWords({ experimentName = "", description }: Partial<ExperimentSpec>): RequestWords {
  const name = experimentName === "" ? "NAME" : shellWord(experimentName);
  const call = pythonCall("easymaker.Experiment().create", [["experiment_name", pythonText(experimentName)], ["description", optionalText(description)]]);
  return {
    cli: commandLine(`easymaker-local experiment create ${name}`, [["--description", description]]),
    sdk: `import easymaker\n\neasymaker.init(appkey="local", profile="local")\n${call}`,
  };
}
