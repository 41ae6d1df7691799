import { Button, Group, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import { KeyValues } from "@/components/KeyValues";
import { ApiError } from "@/lib/api/client";
import type { TuningView } from "@/lib/api/generated/types.gen";

import { useChangeTuning } from "../api/changeTuning";

/** Changes name, description and tags (GN-13). */
export function ChangeTuning({ tuning, isOpen, close }: { tuning: TuningView; isOpen: boolean; close: () => void }) {
  const { t } = useTranslation("tunings");
  return (
    <Modal opened={isOpen} onClose={close} title={t("changeTitle")}>
      <Form tuning={tuning} close={close} />
    </Modal>
  );
}

function Form({ tuning, close }: { tuning: TuningView; close: () => void }) {
  const { t } = useTranslation("tunings");
  const { mutate, error, isPending } = useChangeTuning(tuning.hyperparameterTuningId);
  const [name, setName] = useState(tuning.hyperparameterTuningName);
  const [description, setDescription] = useState(tuning.description ?? "");
  const [tags, setTags] = useState(tuning.tagList);
  const fault = (field: string): string | undefined => (error instanceof ApiError ? error.fields.find((one) => one.field === field)?.message : undefined);
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        mutate({ hyperparameterTuningName: name, description, tagList: tags }, { onSuccess: close });
      }}
    >
      <Stack>
        <TextInput label={t("name", { ns: "common" })} required maxLength={50} value={name} error={fault("hyperparameterTuningName")} onChange={(event) => { setName(event.currentTarget.value); }} data-autofocus />
        <Textarea label={t("description", { ns: "common" })} maxLength={255} autosize minRows={2} value={description} error={fault("description")} onChange={(event) => { setDescription(event.currentTarget.value); }} />
        <KeyValues
          label={t("tags", { ns: "common" })} rows={tags} onChange={setTags} names={["tagKey", "tagValue"]} maximum={10} keyLabel={t("tagKey")} valueLabel={t("tagValue")} addLabel={t("addTag")}
          errorOf={(index, part) => fault(["tagList", index, part].filter((one) => one !== undefined).join("."))}
        />
        {error !== null && <ErrorView error={error} title={t("notChanged")} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>{t("cancel", { ns: "common" })}</Button>
          <Button type="submit" loading={isPending}>{t("save", { ns: "common" })}</Button>
        </Group>
      </Stack>
    </form>
  );
}
