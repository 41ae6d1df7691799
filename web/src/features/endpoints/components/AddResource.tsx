import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { withoutEmpty } from "@/components/creation";
import { ErrorView } from "@/components/ErrorView";
import { ApiError } from "@/lib/api/client";
import type { EndpointStageView, ResourceSpec } from "@/lib/api/generated/types.gen";

import { useCreateStageResource } from "../api/stageResources";
import { NEW_RESOURCE, type Fields } from "../stageForm";
import { ResourceFields } from "./ResourceFields";

/** Deploys one more model on a stage, whose other models go on serving (SR-25). */
export function AddResource({ stage, onClose }: { stage: EndpointStageView; onClose: () => void }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const createResource = useCreateStageResource();
  const form = useForm<ResourceSpec>({ initialValues: NEW_RESOURCE });
  const [error, setError] = useState<Error | null>(null);
  const [isSending, setSending] = useState(false);
  const fields: Fields<ResourceSpec> = {
    values: form.getValues(),
    // Paths of nested fields are known to be right by whoever draws them.
    set: (path, value) => { form.setFieldValue(path as never, value as never); },
    errorOf: (path) => form.errors[path],
  };
  const submit = (): void => {
    setSending(true);
    setError(null);
    form.clearErrors();
    createResource({ ...withoutEmpty(form.getValues()), endpointStageId: stage.endpointStageId }).then(onClose, (refusal: unknown) => {
      if (refusal instanceof ApiError) form.setErrors(Object.fromEntries(refusal.fields.map((fault) => [fault.field, fault.message])));
      setError(refusal as Error);
    }).finally(() => { setSending(false); });
  };
  return (
    <Modal opened onClose={onClose} title={t("addResourceTo", { name: `${stage.endpointName}/${stage.endpointStageName}` })} size="xl">
      <form onSubmit={(event) => { event.preventDefault(); submit(); }} noValidate>
        <Stack>
          <Text size="sm" c="dimmed">{t("addResourceText")}</Text>
          <ResourceFields fields={fields} />
          {error !== null && <ErrorView error={error} title={common("notCreated")} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{common("cancel")}</Button>
            <Button type="submit" loading={isSending} disabled={fields.values.modelId === ""}>{t("addResource")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
