/** TensorBoard and MLflow: pages of their own, which only who is signed in here may open (GN-20). */
import { payload, PROJECT } from "./api/client";
import { createMlflowLogin, createTensorboardLogin } from "./api/generated/sdk.gen";
import type { Scope } from "./api/generated/types.gen";

const open = (address: string): void => { window.open(address, "_blank", "noopener"); };

/** Opens TensorBoard in a window of its own: of an experiment, a training or a tuning (EX-05, TR-34). */
export async function openTensorboard(scope: Scope, id: string): Promise<void> {
  open((await payload(createTensorboardLogin({ path: { ...PROJECT, scope, resource_id: id } }))).tensorboardLogin.loginUri);
}

/** Opens MLflow in a window of its own, at a training's run if one is given. */
export async function openMlflow(trainingId?: string): Promise<void> {
  open((await payload(createMlflowLogin({ path: PROJECT, query: { trainingId } }))).mlflowLogin.loginUri);
}
