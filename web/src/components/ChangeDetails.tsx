import { Button, Group, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ApiError } from "@/lib/api/client";
import type { TagView } from "@/lib/api/generated/types.gen";

import { ErrorView } from "./ErrorView";
import { KeyValues } from "./KeyValues";

const MAXIMUM_TAGS = 10;

/** What can be changed of a resource afterwards (GN-13); without tags where it has none. */
export interface Details {
  name: string;
  description: string;
  tagList?: TagView[];
}

/** Changes name, description and tags. `nameField` is the API's name of the name, such as `trainingName`. */
export function ChangeDetails({ title, details, nameField, save, onClose }: {
  title: string;
  details: Details;
  nameField: string;
  save: (details: Details) => Promise<unknown>;
  onClose: () => void;
}) {
  const { t } = useTranslation(["job", "common"]);
  const [wanted, setWanted] = useState(details);
  const [error, setError] = useState<Error | null>(null);
  const [isSending, setSending] = useState(false);
  const faultOf = (field: string): string | undefined =>
    (error instanceof ApiError ? error.fields.find((fault) => fault.field === field)?.message : undefined);
  const submit = (): void => {
    setSending(true);
    setError(null);
    save(wanted).then(onClose, (refusal: unknown) => { setError(refusal as Error); }).finally(() => { setSending(false); });
  };
  return (
    <Modal opened onClose={onClose} title={title} size="lg">
      <form onSubmit={(event) => { event.preventDefault(); submit(); }} noValidate>
        <Stack>
          <TextInput
            label={t("name", { ns: "common" })} required maxLength={50} data-autofocus value={wanted.name} error={faultOf(nameField)}
            onChange={(event) => { setWanted({ ...wanted, name: event.currentTarget.value }); }}
          />
          <Textarea
            label={t("description", { ns: "common" })} maxLength={255} autosize minRows={2} value={wanted.description} error={faultOf("description")}
            onChange={(event) => { setWanted({ ...wanted, description: event.currentTarget.value }); }}
          />
          {wanted.tagList !== undefined && (
            <KeyValues
              label={t("tags", { ns: "common" })} rows={wanted.tagList} onChange={(tagList) => { setWanted({ ...wanted, tagList }); }}
              names={["tagKey", "tagValue"]} maximum={MAXIMUM_TAGS} keyLabel={t("key")} valueLabel={t("value")} addLabel={t("addTag")}
              errorOf={(index, part) => faultOf(index === undefined ? "tagList" : `tagList.${String(index)}.${part ?? ""}`)}
            />
          )}
          {error !== null && <ErrorView error={error} title={t("notChanged")} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("cancel", { ns: "common" })}</Button>
            <Button type="submit" loading={isSending} disabled={wanted.name === ""}>{t("save", { ns: "common" })}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
