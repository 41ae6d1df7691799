import { Button, Group, Modal, MultiSelect, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { withoutEmpty } from "@/components/creation";
import { ErrorView } from "@/components/ErrorView";
import { ApiError } from "@/lib/api/client";
import type { EndpointStageView, GatewayResourceSpec } from "@/lib/api/generated/types.gen";

import { useGateway } from "../api/gateway";

/** Adds a path of one's own to a stage (EP-15). */
export function AddPath({ stage, onClose }: { stage: EndpointStageView; onClose: () => void }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const { addPath } = useGateway(stage.endpointStageId);
  const form = useForm<GatewayResourceSpec>({ initialValues: { resourceName: "", resourcePath: "/", methodList: ["POST"], modelId: "", rewritePath: "/" } });
  const [error, setError] = useState<Error | null>(null);
  const [isSending, setSending] = useState(false);
  const models = new Map(stage.endpointModelList.map((each) => [each.modelId, each.model.modelName]));
  const submit = (): void => {
    setSending(true);
    setError(null);
    addPath(withoutEmpty(form.getValues())).then(onClose, (refusal: unknown) => {
      if (refusal instanceof ApiError) form.setErrors(Object.fromEntries(refusal.fields.map((fault) => [fault.field, fault.message])));
      setError(refusal as Error);
    }).finally(() => { setSending(false); });
  };
  return (
    <Modal opened onClose={onClose} title={t("addPath")} size="lg">
      <form onSubmit={(event) => { event.preventDefault(); submit(); }} noValidate>
        <Stack>
          <TextInput label={common("name")} description={t("pathNameHint")} required data-autofocus {...form.getInputProps("resourceName")} />
          <TextInput label={t("resourcePath")} description={t("pathHint", { url: `https://${stage.apigwStageUrl}` })} required {...form.getInputProps("resourcePath")} />
          <MultiSelect label={t("methods")} data={["GET", "POST", "PUT", "PATCH", "DELETE"]} {...form.getInputProps("methodList")} />
          <Select label={t("model")} description={t("pathModelHint")} clearable data={[...models].map(([value, label]) => ({ value, label }))} {...form.getInputProps("modelId")} value={form.getValues().modelId || null} />
          <TextInput label={t("rewritePath")} description={t("rewriteHint")} {...form.getInputProps("rewritePath")} />
          {error !== null && <ErrorView error={error} title={common("notCreated")} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{common("cancel")}</Button>
            <Button type="submit" loading={isSending}>{t("addPath")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
