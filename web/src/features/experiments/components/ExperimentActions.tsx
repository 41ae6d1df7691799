import { useDisclosure } from "@mantine/hooks";
import { IconExternalLink } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { ActionButton, notifyError } from "@/components/ActionButton";
import { ChangeDialog } from "@/components/ChangeDialog";
import type { ExperimentView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";
import { openMlflow, openTensorboard } from "@/lib/webLogin";

import { useChangeExperiment } from "../api/changeExperiment";
import { useBlocking } from "../api/listBlocking";
import { useRetryExperiment } from "../api/retryExperiment";
import { deleteRefusal, retryRefusal } from "../rules";
import { useDeleteRequest } from "./useDeleteRequest";

/** What can be done with an experiment (EX-05, EX-06, EX-09, EX.3). */
export function ExperimentActions({ experiment }: { experiment: ExperimentView }) {
  const { t } = useTranslation(["experiments", "common"]);
  const navigate = useNavigate();
  const [isChanging, dialog] = useDisclosure();
  const id = experiment.experimentId;
  const { mutateAsync: change } = useChangeExperiment(id);
  const { mutate: retry, isPending } = useRetryExperiment();
  const askToDelete = useDeleteRequest();
  const blocking = useBlocking(id);
  const blocked = blocking.length === 0 ? null : t("blocked", { names: blocking.map((one) => one.name).join(", ") });
  const notRetryable = retryRefusal(experiment, t);
  const failed = (error: unknown): void => { notifyError(t("notOpened"), error as Error); };
  return (
    <>
      <ActionButton variant="filled" onClick={() => { void navigate(`${paths.trainings.create}?experiment=${id}`); }}>{t("createTraining")}</ActionButton>
      <ActionButton onClick={() => { void navigate(`${paths.tunings.create}?experiment=${id}`); }}>{t("createTuning")}</ActionButton>
      <ActionButton rightSection={<IconExternalLink size={14} />} onClick={() => { openTensorboard("experiment", id).catch(failed); }}>TensorBoard</ActionButton>
      <ActionButton rightSection={<IconExternalLink size={14} />} onClick={() => { openMlflow().catch(failed); }}>MLflow</ActionButton>
      <ActionButton onClick={dialog.open}>{t("change", { ns: "common" })}</ActionButton>
      {notRetryable === null && <ActionButton loading={isPending} onClick={() => { retry(id, { onError: (error) => { notifyError(t("notRetried"), error); } }); }}>{t("retry", { ns: "common" })}</ActionButton>}
      <ActionButton
        color="red" variant="light" refusal={deleteRefusal(experiment, t) ?? blocked}
        onClick={() => { askToDelete([experiment], () => { void navigate(paths.experiments.list); }); }}
      >
        {t("delete", { ns: "common" })}
      </ActionButton>
      {isChanging && (
        <ChangeDialog
          title={t("changeTitle")} nameField="experimentName" onClose={dialog.close}
          now={{ name: experiment.experimentName, description: experiment.description ?? "" }}
          save={({ name, description }) => change({ experimentName: name, description })}
        />
      )}
    </>
  );
}
