import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import type { TrainingTemplateSpec } from "@/lib/api/generated/types.gen";

import { useChangeTemplate } from "../api/changeTemplate";
import { useTemplateSource } from "../api/getTemplate";
import { changeTo } from "../held";
import { changeWords } from "../words";
import { TemplateForm } from "./TemplateForm";

/** The same form as for a new template; what is emptied is no longer held (TT-07). */
export function ChangeTemplate({ id }: { id: string }) {
  const { t } = useTranslation(["templates", "common"]);
  const { data: before, error } = useTemplateSource(id);
  const { mutateAsync } = useChangeTemplate(id);
  if (error) return <ErrorView error={error} />;
  if (before === undefined) return <Text c="dimmed">{t("loading", { ns: "common" })}</Text>;
  const words = (body: TrainingTemplateSpec) => changeWords(before.trainingTemplateName, body);
  return <TemplateForm source={`change-${id}`} values={before} words={words} submitLabel={t("save", { ns: "common" })} save={(body) => mutateAsync(changeTo(body, before))} />;
}
