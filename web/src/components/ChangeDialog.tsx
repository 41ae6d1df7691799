import { Button, Group, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ApiError } from "@/lib/api/client";
import type { Tag } from "@/lib/api/generated/types.gen";

import { ErrorView } from "./ErrorView";
import { TagFields } from "./TagFields";

export interface Changeable {
  /** Left out where the name is a part of URLs and stays. */
  name?: string;
  description: string;
  /** Left out where a resource has none. */
  tags?: readonly Tag[];
}

/** What can be changed of a resource afterwards: name, description, tags (GN-13). */
export function ChangeDialog({ title, now, nameField, save, onClose }: {
  title: string;
  now: Changeable;
  /** The API's name of the name, as `modelName`: faults of it are shown beside it. */
  nameField?: string;
  save: (wanted: { name?: string; description: string; tagList?: Tag[] }) => Promise<unknown>;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const [name, setName] = useState(now.name ?? "");
  const [description, setDescription] = useState(now.description);
  const [tags, setTags] = useState(now.tags);
  const [error, setError] = useState<Error | null>(null);
  const [isSending, setSending] = useState(false);
  const faults = error instanceof ApiError ? error.fields : [];
  const faultOf = (field: string): string | undefined => faults.find((fault) => fault.field === field)?.message;
  const submit = (): void => {
    setSending(true);
    setError(null);
    const tagList = tags?.filter((tag) => tag.tagKey !== "" || (tag.tagValue ?? "") !== "");
    save({ ...(now.name === undefined ? {} : { name }), description, ...(tagList === undefined ? {} : { tagList }) })
      .then(onClose, (refusal: unknown) => { setError(refusal as Error); })
      .finally(() => { setSending(false); });
  };
  return (
    <Modal opened onClose={onClose} title={title} size="lg">
      <form onSubmit={(event) => { event.preventDefault(); submit(); }} noValidate>
        <Stack>
          {now.name !== undefined && (
            <TextInput label={t("name")} required maxLength={50} value={name} error={nameField === undefined ? undefined : faultOf(nameField)} onChange={(event) => { setName(event.currentTarget.value); }} data-autofocus />
          )}
          <Textarea label={t("description")} maxLength={255} autosize minRows={2} value={description} error={faultOf("description")} onChange={(event) => { setDescription(event.currentTarget.value); }} />
          {tags !== undefined && <TagFields tags={tags} onChange={setTags} errorOf={faultOf} />}
          {error !== null && <ErrorView error={error} title={t("notSaved")} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("cancel")}</Button>
            <Button type="submit" loading={isSending} disabled={now.name !== undefined && name === ""}>{t("save")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
