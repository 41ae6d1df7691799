import { ActionIcon, Menu, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconDots, IconExternalLink } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { ActionButton, notifyError } from "@/components/ActionButton";
import { ChangeDialog } from "@/components/ChangeDialog";
import type { TrainingView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";
import { openMlflow, openTensorboard } from "@/lib/webLogin";

import { useChangeTraining } from "../api/changeTraining";
import { changeRefusal, modelRefusal } from "../rules";
import { useTrainingRequests } from "./useTrainingRequests";

/** What can be done with a training (TR.5); what its status does not permit says why. */
export function TrainingActions({ training }: { training: TrainingView }) {
  const { t } = useTranslation(["trainings", "common"]);
  const navigate = useNavigate();
  const [isChanging, dialog] = useDisclosure();
  const { mutateAsync: change } = useChangeTraining(training.trainingId);
  const { stop, remove } = useTrainingRequests();
  const id = training.trainingId;
  const failed = (error: unknown): void => { notifyError(t("notOpened"), error as Error); };
  const notChangeable = changeRefusal(training, t);
  return (
    <>
      <ActionButton refusal={stop.refusal(training)} onClick={() => { stop.ask([training]); }}>{t("stop", { ns: "common" })}</ActionButton>
      <ActionButton onClick={() => { void navigate(`${paths.trainings.create}?copy=${id}`); }}>{t("copy", { ns: "common" })}</ActionButton>
      <ActionButton refusal={modelRefusal(training, t)} onClick={() => { void navigate(`${paths.models.create}?training=${id}`); }}>{t("createModel")}</ActionButton>
      <ActionButton rightSection={<IconExternalLink size={14} />} onClick={() => { openTensorboard("training", id).catch(failed); }}>TensorBoard</ActionButton>
      <ActionButton
        color="red" variant="light" refusal={remove.refusal(training)}
        onClick={() => { remove.ask([training], () => { void navigate(paths.trainings.list); }); }}
      >
        {t("delete", { ns: "common" })}
      </ActionButton>
      <Menu position="bottom-end">
        <Menu.Target><ActionIcon variant="default" size={30} aria-label={t("more")}><IconDots size={16} /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={dialog.open} disabled={notChangeable !== null}>
            {t("change", { ns: "common" })}
            {notChangeable !== null && <Text size="xs">{notChangeable}</Text>}
          </Menu.Item>
          <Menu.Item onClick={() => { void navigate(`${paths.templates.create}?training=${id}`); }}>{t("saveAsTemplate")}</Menu.Item>
          <Menu.Item onClick={() => { openMlflow(id).catch(failed); }} rightSection={<IconExternalLink size={14} />}>{t("openMlflow")}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isChanging && (
        <ChangeDialog
          title={t("changeTitle")} nameField="trainingName" onClose={dialog.close}
          now={{ name: training.trainingName, description: training.description ?? "", tags: training.tagList }}
          save={({ name, description, tagList }) => change({ trainingName: name, description, tagList })}
        />
      )}
    </>
  );
}
