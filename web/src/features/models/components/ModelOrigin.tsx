import { Anchor, Group } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyText } from "@/components/CopyText";
import type { ModelView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

/** What a model came from: a training, the best trial of a tuning, or neither (MD-20). */
export function ModelOrigin({ model, withIds = false }: { model: ModelView; withIds?: boolean }) {
  const { t } = useTranslation("models");
  const { training, hyperparameterTuning: tuning, trial } = model;
  if (tuning !== null) {
    return (
      <Group gap={6} component="span" display="inline-flex">
        <Anchor component={Link} to={paths.tunings.one(tuning.hyperparameterTuningId)} size="sm">{tuning.hyperparameterTuningName}</Anchor>
        {trial !== null && <span>{t("trialOf", { name: trial.trialName })}</span>}
        {withIds && <CopyText text={trial?.trialId ?? tuning.hyperparameterTuningId} />}
      </Group>
    );
  }
  if (training !== null) {
    return (
      <Group gap={6} component="span" display="inline-flex">
        <Anchor component={Link} to={paths.trainings.one(training.trainingId)} size="sm">{training.trainingName}</Anchor>
        {withIds && <CopyText text={training.trainingId} />}
      </Group>
    );
  }
  return <>{model.modelUploadUri === null ? t("fromHub") : t("fromAddress")}</>;
}
