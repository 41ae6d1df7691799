import { Button, Group, Modal, Select, Stack, Textarea, TextInput, type SelectProps } from "@mantine/core";
import { useDebouncedValue, useDisclosure } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ApiError, payload, PROJECT } from "@/lib/api/client";
import { createExperiment, getExperiment } from "@/lib/api/generated/sdk.gen";
import { experimentsQuery } from "@/lib/catalogue";
import { statusName } from "@/lib/statuses";

import { ErrorView } from "../ErrorView";

const TYPING_MS = 200;

export interface ExperimentSelectProps extends Omit<SelectProps, "data" | "value" | "onChange"> {
  value?: string | null;
  onChange: (id: string | null) => void;
}

/** The experiment that something belongs to; chosen by name, or made with Add (EX-03). */
export function ExperimentSelect({ value, onChange, ...props }: ExperimentSelectProps) {
  const { t } = useTranslation("pickers");
  const [typed, setTyped] = useState("");
  const [keyword] = useDebouncedValue(typed, TYPING_MS);
  const { data: found = [], error, isSuccess } = useQuery({ ...experimentsQuery(keyword), placeholderData: keepPreviousData });
  const isMissing = isSuccess && value != null && value !== "" && !found.some((each) => each.experimentId === value);
  const { data: chosen } = useQuery({
    queryKey: ["experiment", "one", value], enabled: isMissing,
    queryFn: async () => (await payload(getExperiment({ path: { ...PROJECT, experiment_id: value ?? "" } }))).experiment,
  });
  const [isOpen, dialog] = useDisclosure();
  const known = isMissing && chosen !== undefined ? [chosen, ...found] : found;
  return (
    <>
      <Group align="flex-end" gap="xs" wrap="nowrap">
        <Select
          searchable flex={1} placeholder={t("chooseExperiment")} nothingFoundMessage={t("noExperiment")} {...props} error={props.error ?? error?.message}
          value={value === "" ? null : value ?? null} onChange={onChange} onSearchChange={setTyped} filter={({ options }) => options}
          data={known.map(({ experimentId, experimentName, experimentStatusCode }) => ({
            value: experimentId, disabled: experimentStatusCode !== "ACTIVE",
            label: experimentStatusCode === "ACTIVE" ? experimentName : `${experimentName} (${statusName(experimentStatusCode)})`,
          }))}
        />
        <Button variant="default" leftSection={<IconPlus size={14} />} onClick={dialog.open} style={{ flex: "none" }}>{t("addExperiment")}</Button>
      </Group>
      {isOpen && <AddExperiment name={found.length === 0 ? typed : ""} onClose={dialog.close} onMade={(id) => { onChange(id); dialog.close(); }} />}
    </>
  );
}

function AddExperiment({ name, onClose, onMade }: { name: string; onClose: () => void; onMade: (id: string) => void }) {
  const { t } = useTranslation("pickers");
  const client = useQueryClient();
  const [body, setBody] = useState({ experimentName: name, description: "" });
  const { mutate, error, isPending } = useMutation({
    mutationFn: async () => (await payload(createExperiment({ path: PROJECT, body: { ...body, description: body.description || undefined } }))).experiment,
    onSuccess: (experiment) => {
      client.setQueryData(["experiment", "one", experiment.experimentId], experiment);
      void client.invalidateQueries({ queryKey: ["experiment", "list"] });
      onMade(experiment.experimentId);
    },
  });
  const faultOf = (field: string): string | undefined => (error instanceof ApiError ? error.fields.find((fault) => fault.field === field)?.message : undefined);
  return (
    <Modal opened onClose={onClose} title={t("newExperiment")}>
      {/* Inside another form: what is sent here must not send that one too. */}
      <form onSubmit={(event) => { event.preventDefault(); event.stopPropagation(); mutate(); }} noValidate>
        <Stack>
          <TextInput
            label={t("name", { ns: "common" })} required maxLength={50} data-autofocus value={body.experimentName} error={faultOf("experimentName")}
            onChange={(event) => { setBody({ ...body, experimentName: event.currentTarget.value }); }}
          />
          <Textarea
            label={t("description", { ns: "common" })} maxLength={255} autosize minRows={2} value={body.description} error={faultOf("description")}
            onChange={(event) => { setBody({ ...body, description: event.currentTarget.value }); }}
          />
          {error !== null && <ErrorView error={error} title={t("notCreated", { ns: "common" })} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("cancel", { ns: "common" })}</Button>
            <Button type="submit" loading={isPending} disabled={body.experimentName === ""}>{t("create", { ns: "common" })}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
