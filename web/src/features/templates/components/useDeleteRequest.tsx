import { List, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useConfirmed } from "@/components/ActionButton";
import type { TrainingTemplateView } from "@/lib/api/generated/types.gen";

import { useDeleteTemplates } from "../api/deleteTemplate";

/** Asks before templates are deleted, and says what that does (TT-10). */
export function useDeleteRequest(): (templates: readonly TrainingTemplateView[], then?: () => void) => void {
  const { t } = useTranslation(["templates", "common"]);
  const confirmed = useConfirmed();
  const { mutateAsync: remove } = useDeleteTemplates();
  return (templates, then) => {
    const text = (
      <Stack gap="xs">
        <Text size="sm">{t("deleteText")}</Text>
        <List size="sm">{templates.map((one) => <List.Item key={one.trainingTemplateId}>{one.trainingTemplateName}</List.Item>)}</List>
      </Stack>
    );
    confirmed(
      { title: t("deleteTitle", { count: templates.length }), text, confirm: t("delete", { ns: "common" }), isDestructive: true },
      async () => { await remove(templates.map((one) => one.trainingTemplateId)); then?.(); },
    );
  };
}
