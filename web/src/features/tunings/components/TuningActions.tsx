import { ActionIcon, Menu, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconDots, IconExternalLink } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { ActionButton, notifyError, useConfirmed } from "@/components/ActionButton";
import type { TuningView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";
import { statusName } from "@/lib/statuses";
import { openMlflow, openTensorboard } from "@/lib/webLogin";

import { useDeleteTuning } from "../api/deleteTuning";
import { useStopTuning } from "../api/stopTuning";
import { isBroken, isDeletable } from "../tuning";

import { ChangeTuning } from "./ChangeTuning";
import { SaveAsTemplate } from "./SaveAsTemplate";

/** What can be done with a tuning; what its status does not permit says why (GN-27). */
export function TuningActions({ tuning }: { tuning: TuningView }) {
  const { t } = useTranslation("tunings");
  const navigate = useNavigate();
  const confirmed = useConfirmed();
  const stop = useStopTuning();
  const remove = useDeleteTuning();
  const [isChanging, change] = useDisclosure();
  const [isSaving, saving] = useDisclosure();
  const { hyperparameterTuningId: id, hyperparameterTuningName: name } = tuning;
  const refused = t("notPermitted", { ns: "common", status: statusName(tuning.hyperparameterTuningStatusCode) });
  const broken = isBroken(tuning) ? t("brokenRefusal") : null;
  const models = tuning.modelList.map((model) => model.modelName).join(", ");
  const deleteRefusal = !isDeletable(tuning) ? `${refused} ${t("stopFirst")}` : models !== "" ? t("deleteModelsFirst", { models }) : null;
  const noModel = tuning.hyperparameterTuningStatusCode !== "COMPLETE" ? refused : tuning.optimalTrialId === null ? t("noBestTrial") : null;
  const open = (opening: Promise<void>, title: string): void => { opening.catch((error: unknown) => { notifyError(title, error as Error); }); };
  const more = [
    { key: "change", label: t("change", { ns: "common" }), refusal: broken, act: change.open },
    { key: "template", label: t("saveAsTemplate"), refusal: broken, act: saving.open },
    {
      key: "delete", label: t("delete", { ns: "common" }), refusal: deleteRefusal, color: "red",
      act: () => {
        confirmed({ title: t("deleteTitle", { name }), text: t("deleteText"), confirm: t("delete", { ns: "common" }), isDestructive: true }, async () => {
          await remove.mutateAsync(id);
          await navigate(paths.tunings.list);
        });
      },
    },
  ];
  return (
    <>
      <ActionButton
        refusal={tuning.isStoppable ? null : refused}
        onClick={() => { confirmed({ title: t("stopTitle", { name }), text: t("stopText", { count: tuning.runningTrialCount }), confirm: t("stop", { ns: "common" }), isDestructive: true }, () => stop.mutateAsync(id)); }}
      >
        {t("stop", { ns: "common" })}
      </ActionButton>
      <ActionButton refusal={broken} onClick={() => { void navigate(`${paths.tunings.create}?copy=${id}`); }}>{t("copy", { ns: "common" })}</ActionButton>
      <ActionButton refusal={noModel} onClick={() => { void navigate(`${paths.models.create}?tuning=${id}`); }}>{t("createModel")}</ActionButton>
      <ActionButton rightSection={<IconExternalLink size={14} aria-hidden />} onClick={() => { open(openTensorboard("tuning", id), "TensorBoard"); }}>TensorBoard</ActionButton>
      <ActionButton rightSection={<IconExternalLink size={14} aria-hidden />} onClick={() => { open(openMlflow(tuning.optimalTrialId ?? undefined), "MLflow"); }}>MLflow</ActionButton>
      <Menu position="bottom-end" width={280}>
        <Menu.Target><ActionIcon variant="default" size={30} aria-label={t("more")} title={t("more")}><IconDots size={16} /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          {more.map(({ key, label, refusal, color, act }) => (
            <Menu.Item key={key} color={refusal === null ? color : undefined} aria-disabled={refusal !== null} closeMenuOnClick={refusal === null} c={refusal === null ? undefined : "dimmed"} onClick={() => { if (refusal === null) act(); }}>
              {label}
              {refusal !== null && <Text size="xs" c="dimmed">{refusal}</Text>}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {isChanging && <ChangeTuning tuning={tuning} onClose={change.close} />}
      <SaveAsTemplate tuning={tuning} isOpen={isSaving} close={saving.close} />
    </>
  );
}
