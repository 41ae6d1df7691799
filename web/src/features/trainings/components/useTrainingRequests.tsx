import { List, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useConfirmed } from "@/components/ActionButton";
import type { TrainingView } from "@/lib/api/generated/types.gen";

import { useDeleteTrainings } from "../api/deleteTraining";
import { useStopTrainings } from "../api/stopTraining";
import { deleteRefusal, stopRefusal } from "../rules";

/** Asking to stop or delete one or several trainings: why not, or the question and then the request. */
export function useTrainingRequests() {
  const { t } = useTranslation(["trainings", "common"]);
  const confirmed = useConfirmed();
  const { mutateAsync: stop } = useStopTrainings();
  const { mutateAsync: remove } = useDeleteTrainings();
  const idsOf = (trainings: readonly TrainingView[]): string[] => trainings.map((training) => training.trainingId);
  const about = (text: string, trainings: readonly TrainingView[]) => (
    <Stack gap="xs">
      <Text size="sm">{text}</Text>
      <List size="sm">{trainings.map((training) => <List.Item key={training.trainingId}>{training.trainingName}</List.Item>)}</List>
    </Stack>
  );
  return {
    stop: {
      refusal: (training: TrainingView) => stopRefusal(training, t),
      ask: (trainings: readonly TrainingView[], then?: () => void) => {
        confirmed(
          { title: t("stopTitle", { count: trainings.length }), text: about(t("stopText"), trainings), confirm: t("stop", { ns: "common" }) },
          async () => { await stop(idsOf(trainings)); then?.(); },
        );
      },
    },
    remove: {
      refusal: (training: TrainingView) => deleteRefusal(training, t),
      ask: (trainings: readonly TrainingView[], then?: () => void) => {
        confirmed(
          { title: t("deleteTitle", { count: trainings.length }), text: about(t("deleteText"), trainings), confirm: t("delete", { ns: "common" }), isDestructive: true },
          async () => { await remove(idsOf(trainings)); then?.(); },
        );
      },
    },
  };
}
