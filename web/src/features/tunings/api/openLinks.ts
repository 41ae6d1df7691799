import { payload, PROJECT } from "@/lib/api/client";
import { createMlflowLogin, createTensorboardLogin } from "@/lib/api/generated/sdk.gen";

const open = (address: string): void => { window.open(address, "_blank", "noopener"); };

/** Opens TensorBoard with a run for each trial in a window of its own (HP-52). */
export async function openTensorboard(tuningId: string): Promise<void> {
  const { tensorboardLogin } = await payload(createTensorboardLogin({ path: { ...PROJECT, scope: "tuning", resource_id: tuningId } }));
  open(tensorboardLogin.loginUri);
}

/** Opens MLflow, at the run of a trial if one is given. */
export async function openMlflow(trialId: string | null): Promise<void> {
  const { mlflowLogin } = await payload(createMlflowLogin({ path: PROJECT, query: { trainingId: trialId } }));
  open(mlflowLogin.loginUri);
}
