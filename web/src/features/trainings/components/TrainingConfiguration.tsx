import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { Configuration } from "@/components/Configuration";
import { ErrorView } from "@/components/ErrorView";
import type { TrainingView } from "@/lib/api/generated/types.gen";

import { useCopySource } from "../api/getCopySource";
import { trainingWords } from "../words";

/** The settings that would make the same training again. */
export function TrainingConfiguration({ training }: { training: TrainingView }) {
  const { t } = useTranslation("trainings");
  const { data: body, error } = useCopySource(training.trainingId);
  if (error) return <ErrorView error={error} />;
  if (body === undefined) return <Text c="dimmed">{t("loading", { ns: "common" })}</Text>;
  return <Configuration body={body} words={trainingWords(body, training.image?.imageName)} fileName={`${training.trainingName}.json`} text={t("configurationText")} />;
}
