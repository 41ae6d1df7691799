/** A template's request in the words of the command line; the SDK has none for templates. */
import { jobOptions } from "@/components/job/jobWords";
import type { TrainingTemplateSpec } from "@/lib/api/generated/types.gen";
import { commandLine } from "@/lib/words";

const SDK = "# The SDK has no call for templates.\n# Load one on the page or by CLI, or create a training with the same values.";

type Words = { cli: string; sdk: string };

export const createWords = (body: TrainingTemplateSpec): Words => ({
  cli: commandLine(["easymaker-local", "template", "create"], [["--name", body.trainingTemplateName], ["--experiment", body.experimentId], ["--description", body.description], ...jobOptions(body)]),
  sdk: SDK,
});

/** `name`: what the template is called now; `removed`: fields that it no longer holds. */
export const changeWords = (name: string, body: TrainingTemplateSpec): Words => ({
  cli: commandLine(["easymaker-local", "template", "change", name], [
    ["--name", body.trainingTemplateName === name ? null : body.trainingTemplateName], ["--experiment", body.experimentId], ["--description", body.description], ...jobOptions(body),
  ]),
  sdk: SDK,
});
