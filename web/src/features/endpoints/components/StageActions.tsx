import { List, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { ActionButton, useConfirmed } from "@/components/ActionButton";
import { ChangeDialog } from "@/components/ChangeDialog";
import type { EndpointStageView, EndpointView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

import { useChangeStage } from "../api/changeEndpoint";
import { useDeleteStage } from "../api/deleteEndpoint";
import { useStageRefusals } from "../refusals";
import { AddResource } from "./AddResource";
import { DefaultStageDialog } from "./DefaultStageDialog";

/** What can be done with a stage: add a stage resource, make it the default, change, delete (ST-02, ST-03). */
export function StageActions({ stage, endpoint }: { stage: EndpointStageView; endpoint: EndpointView | undefined }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const navigate = useNavigate();
  const confirmed = useConfirmed();
  const deleteStage = useDeleteStage();
  const changeStage = useChangeStage(stage.endpointStageId);
  const refusals = useStageRefusals()(stage, endpoint);
  const [open, setOpen] = useState<"add" | "default" | "change" | null>(null);
  const close = (): void => { setOpen(null); };
  const ask = (): void => {
    confirmed(
      { title: t("deleteStageTitle", { name: stage.endpointStageName }), text: <DeleteText stage={stage} />, confirm: common("delete"), isDestructive: true },
      async () => {
        await deleteStage(stage.endpointStageId);
        await navigate(paths.endpoints.one(stage.endpointId, "stages"));
      },
    );
  };
  return (
    <>
      <ActionButton variant="filled" refusal={refusals.addResource} onClick={() => { setOpen("add"); }}>{t("addResource")}</ActionButton>
      <ActionButton refusal={refusals.makeDefault} onClick={() => { setOpen("default"); }}>{t("makeDefault")}</ActionButton>
      <ActionButton onClick={() => { setOpen("change"); }}>{common("change")}</ActionButton>
      <ActionButton refusal={refusals.delete} onClick={ask} c={refusals.delete === null ? "red" : undefined}>{common("delete")}</ActionButton>
      {open === "add" && <AddResource stage={stage} onClose={close} />}
      {open === "default" && endpoint !== undefined && <DefaultStageDialog endpoint={endpoint} chosen={stage.endpointStageId} onClose={close} />}
      {open === "change" && (
        <ChangeDialog
          title={t("changeTitle", { name: stage.endpointStageName })} onClose={close} now={{ description: stage.description ?? "", tags: stage.tagList }}
          save={({ description, tagList }) => changeStage({ description, tagList })}
        />
      )}
    </>
  );
}

function DeleteText({ stage }: { stage: EndpointStageView }) {
  const { t } = useTranslation("endpoints");
  const models = [...new Set(stage.endpointModelList.map((each) => each.model.modelName))];
  return (
    <Stack gap="xs">
      <Text size="sm">{t("deleteStageText")}</Text>
      <List size="sm">
        <List.Item>{t("deleteUrl", { url: `https://${stage.apigwStageUrl}` })}</List.Item>
        {models.length > 0 && <List.Item>{t("deleteModels", { names: models.join(", ") })}</List.Item>}
        <List.Item>{t("deletePaths")}</List.Item>
      </List>
    </Stack>
  );
}
