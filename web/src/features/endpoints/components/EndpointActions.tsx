import { List, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { ActionButton, useConfirmed } from "@/components/ActionButton";
import { ChangeDialog } from "@/components/ChangeDialog";
import type { EndpointView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

import { useChangeEndpoint } from "../api/changeEndpoint";
import { useDeleteEndpoints, useRetryDeletion } from "../api/deleteEndpoint";
import { useEndpointRefusals } from "../refusals";
import { DefaultStageDialog } from "./DefaultStageDialog";

/** What can be done with an endpoint: create a stage, change the default stage, change, delete. */
export function EndpointActions({ endpoint }: { endpoint: EndpointView }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const navigate = useNavigate();
  const confirmed = useConfirmed();
  const deleteEndpoints = useDeleteEndpoints();
  const retryDeletion = useRetryDeletion(endpoint.endpointId);
  const changeEndpoint = useChangeEndpoint(endpoint.endpointId);
  const refusals = useEndpointRefusals()(endpoint);
  const [open, setOpen] = useState<"change" | "default" | null>(null);
  const close = (): void => { setOpen(null); };
  const ask = (): void => {
    confirmed(
      { title: t("deleteTitle", { name: endpoint.endpointName }), text: <DeleteText endpoint={endpoint} />, confirm: common("delete"), isDestructive: true },
      async () => {
        await deleteEndpoints([endpoint.endpointId]);
        await navigate(paths.endpoints.list);
      },
    );
  };
  return (
    <>
      <ActionButton variant="filled" refusal={refusals.createStage} onClick={() => { void navigate(`/endpoints/${endpoint.endpointId}/stages/new`); }}>{t("createStage")}</ActionButton>
      <ActionButton refusal={refusals.changeDefault} onClick={() => { setOpen("default"); }}>{t("changeDefault")}</ActionButton>
      <ActionButton onClick={() => { setOpen("change"); }}>{common("change")}</ActionButton>
      {endpoint.endpointStatusCode === "DELETE_IN_PROGRESS"
        ? <ActionButton onClick={() => { void retryDeletion(); }}>{t("retryDeletion")}</ActionButton>
        : <ActionButton refusal={refusals.delete} onClick={ask} c={refusals.delete === null ? "red" : undefined}>{common("delete")}</ActionButton>}
      {open === "default" && <DefaultStageDialog endpoint={endpoint} onClose={close} />}
      {open === "change" && (
        <ChangeDialog
          title={t("changeTitle", { name: endpoint.endpointName })} onClose={close} now={{ description: endpoint.description ?? "", tags: endpoint.tagList }}
          save={({ description, tagList }) => changeEndpoint({ description, tagList })}
        />
      )}
    </>
  );
}

/** What is lost with an endpoint (EP-37). */
export function DeleteText({ endpoint }: { endpoint: EndpointView }) {
  const { t } = useTranslation("endpoints");
  const models = endpoint.endpointStageList.flatMap((stage) => stage.endpointModelList.map((each) => each.model.modelName));
  return (
    <Stack gap="xs">
      <Text size="sm">{t("deleteText")}</Text>
      <List size="sm">
        <List.Item>{t("deleteUrl", { url: `https://${endpoint.apigwDefaultStageUrl}` })}</List.Item>
        {models.length > 0 && <List.Item>{t("deleteModels", { names: [...new Set(models)].join(", ") })}</List.Item>}
      </List>
    </Stack>
  );
}
