import { useTranslation } from "react-i18next";

import { ChangeDialog } from "@/components/ChangeDialog";
import type { TuningView } from "@/lib/api/generated/types.gen";

import { useChangeTuning } from "../api/changeTuning";

/** Changes name, description and tags (GN-13). */
export function ChangeTuning({ tuning, onClose }: { tuning: TuningView; onClose: () => void }) {
  const { t } = useTranslation("tunings");
  const { mutateAsync: change } = useChangeTuning(tuning.hyperparameterTuningId);
  return (
    <ChangeDialog
      title={t("changeTitle")} nameField="hyperparameterTuningName" onClose={onClose}
      now={{ name: tuning.hyperparameterTuningName, description: tuning.description ?? "", tags: tuning.tagList }}
      save={({ name, description, tagList }) => change({ hyperparameterTuningName: name, description, tagList })}
    />
  );
}
