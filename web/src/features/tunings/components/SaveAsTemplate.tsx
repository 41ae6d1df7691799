import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import type { TuningView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

import { useSaveAsTemplate } from "../api/saveAsTemplate";

/** Keeps a tuning's settings, and the hyperparameters of its best trial, as a training template. */
export function SaveAsTemplate({ tuning, isOpen, close }: { tuning: TuningView; isOpen: boolean; close: () => void }) {
  const { t } = useTranslation("tunings");
  return (
    <Modal opened={isOpen} onClose={close} title={t("saveAsTemplate")}>
      <Form tuning={tuning} close={close} />
    </Modal>
  );
}

function Form({ tuning, close }: { tuning: TuningView; close: () => void }) {
  const { t } = useTranslation("tunings");
  const navigate = useNavigate();
  const { mutate, error, isPending } = useSaveAsTemplate(tuning);
  const [name, setName] = useState(tuning.hyperparameterTuningName);
  return (
    <form noValidate onSubmit={(event) => { event.preventDefault(); mutate(name, { onSuccess: (id) => { void navigate(paths.templates.one(id)); } }); }}>
      <Stack>
        <Text size="sm">{tuning.optimalTrial === null ? t("templateText") : t("templateWithBest", { trial: tuning.optimalTrial.trialName })}</Text>
        <TextInput label={t("name", { ns: "common" })} required maxLength={50} value={name} onChange={(event) => { setName(event.currentTarget.value); }} data-autofocus />
        {error !== null && <ErrorView error={error} title={t("notCreated", { ns: "common" })} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>{t("cancel", { ns: "common" })}</Button>
          <Button type="submit" loading={isPending} disabled={name === ""}>{t("save", { ns: "common" })}</Button>
        </Group>
      </Stack>
    </form>
  );
}
