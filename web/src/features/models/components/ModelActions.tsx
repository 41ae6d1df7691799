import { Menu, ActionIcon } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { ActionButton, useConfirmed } from "@/components/ActionButton";
import type { ModelView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";
import { statusName } from "@/lib/statuses";

import { useDeleteModels } from "../api/deleteModel";
import { ChangeModel } from "./ChangeModel";

/** Why a model cannot be deleted now; null if it can (MD-33, MD-37). */
export function useDeleteRefusal(): (model: ModelView) => string | null {
  const { t } = useTranslation("models");
  return (model) => {
    const [use] = model.endpointList;
    if (use !== undefined) return t("deleteRefused", { count: model.endpointList.length, endpoint: use.endpointName, stage: use.apigwStageName });
    return model.isFinished ? null : t("notPermitted", { ns: "common", status: statusName(model.modelStatusCode) });
  };
}

/** What can be done with a model: create an endpoint (MD-35), change (MD-17), delete. */
export function ModelActions({ model }: { model: ModelView }) {
  const { t } = useTranslation("models");
  const { t: common } = useTranslation();
  const navigate = useNavigate();
  const confirmed = useConfirmed();
  const deleteModels = useDeleteModels();
  const [isChanging, setChanging] = useState(false);
  const refusal = useDeleteRefusal()(model);
  const endpointRefusal = model.modelStatusCode === "ACTIVE" ? null : common("notPermitted", { status: statusName(model.modelStatusCode) });
  const ask = (): void => {
    confirmed(
      { title: t("deleteTitle", { name: model.modelName }), text: t("deleteText"), confirm: common("delete"), isDestructive: true },
      async () => {
        await deleteModels([model.modelId]);
        await navigate(paths.models.list);
      },
    );
  };
  return (
    <>
      <ActionButton variant="filled" refusal={endpointRefusal} onClick={() => { void navigate(`${paths.endpoints.create}?model=${model.modelId}`); }}>
        {t("createEndpoint")}
      </ActionButton>
      <ActionButton onClick={() => { setChanging(true); }}>{common("change")}</ActionButton>
      <ActionButton refusal={refusal} onClick={ask} c={refusal === null ? "red" : undefined}>{common("delete")}</ActionButton>
      <Menu position="bottom-end">
        <Menu.Target><ActionIcon variant="default" size={30} aria-label={t("more")}><IconDots size={16} /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => { void navigate(`${paths.models.create}?copy=${model.modelId}`); }}>{common("copy")}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isChanging && <ChangeModel model={model} onClose={() => { setChanging(false); }} />}
    </>
  );
}
