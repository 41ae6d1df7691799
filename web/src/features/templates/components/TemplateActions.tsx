import { Button, Menu } from "@mantine/core";
import { IconChevronDown, IconDownload } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { ActionButton, notifyError } from "@/components/ActionButton";
import { saveFile } from "@/components/Configuration";
import type { TrainingTemplateView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

import { fetchTemplateSource } from "../api/getTemplate";
import { useDeleteRequest } from "./useDeleteRequest";

/** What can be done with a template: use, change, copy, export, delete. */
export function TemplateActions({ template }: { template: TrainingTemplateView }) {
  const { t } = useTranslation(["templates", "common"]);
  const navigate = useNavigate();
  const askToDelete = useDeleteRequest();
  const id = template.trainingTemplateId;
  const broken = template.problem == null ? null : t("broken");
  const save = (): void => {
    fetchTemplateSource(id).then(
      (body) => { saveFile(`${template.trainingTemplateName}.json`, `${JSON.stringify(body, null, 2)}\n`); },
      (error: unknown) => { notifyError(t("notExported"), error as Error); },
    );
  };
  return (
    <>
      {broken === null && (
        <Menu position="bottom-end">
          <Menu.Target><Button size="xs" rightSection={<IconChevronDown size={14} />}>{t("use")}</Button></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => { void navigate(`${paths.trainings.create}?template=${id}`); }}>{t("useForTraining")}</Menu.Item>
            <Menu.Item onClick={() => { void navigate(`${paths.tunings.create}?template=${id}`); }}>{t("useForTuning")}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
      <ActionButton refusal={broken} onClick={() => { void navigate(paths.templates.one(id, "change")); }}>{t("change", { ns: "common" })}</ActionButton>
      <ActionButton refusal={broken} onClick={() => { void navigate(`${paths.templates.create}?copy=${id}`); }}>{t("copy", { ns: "common" })}</ActionButton>
      <ActionButton refusal={broken} leftSection={<IconDownload size={14} />} onClick={save}>{t("export")}</ActionButton>
      <ActionButton color="red" variant="light" onClick={() => { askToDelete([template], () => { void navigate(paths.templates.list); }); }}>{t("delete", { ns: "common" })}</ActionButton>
    </>
  );
}
