import { Button, FileButton } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { notifyError } from "@/components/ActionButton";
import { ApiError } from "@/lib/api/client";
import type { TrainingTemplateSpec } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

import { useCreateTemplate } from "../api/createTemplate";

/** Stores a template that was exported, perhaps on another machine (TT-L01). */
export function ImportButton() {
  const { t } = useTranslation("templates");
  const navigate = useNavigate();
  const { mutateAsync, isPending } = useCreateTemplate();
  const take = async (file: File): Promise<void> => {
    try {
      // Whatever it is, the daemon says what is wrong with it.
      const { trainingTemplate } = await mutateAsync(JSON.parse(await file.text()) as TrainingTemplateSpec);
      void navigate(paths.templates.one(trainingTemplate.trainingTemplateId));
    } catch (error) {
      const faults = error instanceof ApiError ? error.fields.map((fault) => `${fault.field}: ${fault.message}`).join("\n") : "";
      notifyError(t("notImported", { name: file.name }), faults === "" ? (error as Error) : new Error(faults));
    }
  };
  return (
    <FileButton accept="application/json,.json" onChange={(file) => { if (file !== null) void take(file); }} inputProps={{ "aria-label": t("import") }}>
      {(props) => <Button size="xs" variant="default" loading={isPending} leftSection={<IconUpload size={14} />} {...props}>{t("import")}</Button>}
    </FileButton>
  );
}
