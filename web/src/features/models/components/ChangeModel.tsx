import { useTranslation } from "react-i18next";

import { ChangeDialog } from "@/components/ChangeDialog";
import type { ModelView } from "@/lib/api/generated/types.gen";

import { useChangeModel } from "../api/changeModel";

/** Changes name, description and tags of a model (MD-17, MD-23). */
export function ChangeModel({ model, onClose }: { model: ModelView; onClose: () => void }) {
  const { t } = useTranslation("models");
  const change = useChangeModel(model.modelId);
  return (
    <ChangeDialog
      title={t("changeTitle", { name: model.modelName })} nameField="modelName" onClose={onClose}
      now={{ name: model.modelName, description: model.description ?? "", tags: model.tagList }}
      // A name that stays is left out: an artifact may have no other (MD-02), and a deployed one keeps it.
      save={({ name, description, tagList }) => change({ modelName: name === model.modelName ? undefined : name, description, tagList })}
    />
  );
}
