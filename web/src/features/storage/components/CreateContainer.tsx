import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ApiError } from "@/lib/api/client";

import { useCreateContainer } from "../api/createContainer";

/** A button that makes a container of a name. */
export function CreateContainer() {
  const { t } = useTranslation("storage");
  const [isOpen, { open, close }] = useDisclosure();
  const [name, setName] = useState("");
  const create = useCreateContainer();
  const fault = create.error instanceof ApiError ? create.error.fields[0]?.message ?? create.error.message : create.error?.message;
  return (
    <>
      <Button size="xs" onClick={open}>{t("createContainer")}</Button>
      <Modal opened={isOpen} onClose={close} title={t("createContainer")}>
        <form onSubmit={(event) => { event.preventDefault(); create.mutate(name, { onSuccess: () => { setName(""); close(); } }); }}>
          <Stack>
            <Text size="sm" c="dimmed">{t("containerText")}</Text>
            <TextInput
              label={t("name", { ns: "common" })} value={name} error={fault} data-autofocus required maxLength={255}
              onChange={(event) => { setName(event.currentTarget.value); create.reset(); }}
            />
            <Group><Button type="submit" loading={create.isPending} disabled={name === ""}>{t("create", { ns: "common" })}</Button></Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
