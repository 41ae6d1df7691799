import { ActionIcon, Button, Group, NumberInput, Paper, Stack, Switch, Text, Textarea } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { FormSection } from "@/components/CreationForm";
import { FlavorSelect } from "@/components/pickers/FlavorSelect";
import { TagFields } from "@/components/TagFields";

import { below, NEW_RESOURCE, type Fields, type StageSettings } from "../stageForm";
import { NodeAutoscaler } from "./NodeAutoscaler";
import { ResourceFields } from "./ResourceFields";

const MAXIMUM_RESOURCES = 10;

/** What endpoint and stage creation ask for alike (EP-06…EP-12). */
export function StageFields({ fields }: { fields: Fields<StageSettings> }) {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  const { values, set, errorOf } = fields;
  const resources = values.endpointModelResourceList;
  return (
    <>
      <FormSection title={t("instances")}>
        <Group align="flex-start">
          <FlavorSelect
            label={t("flavor")} required flex={1} miw={240} count={values.nodeCount ?? 1} value={values.flavorId || null} error={errorOf("flavorId")}
            onChange={(id) => { set("flavorId", id ?? ""); }}
          />
          <NumberInput
            label={t("nodeCount")} w={180} min={1} max={10} value={values.nodeCount ?? 1} error={errorOf("nodeCount")}
            onChange={(value) => { set("nodeCount", typeof value === "number" ? value : undefined); }}
          />
        </Group>
        <NodeAutoscaler fields={fields} />
      </FormSection>
      <FormSection title={t("stageInformation")}>
        {errorOf("endpointModelResourceList") != null && <Text size="sm" c="red" role="alert">{errorOf("endpointModelResourceList")}</Text>}
        {resources.map((resource, index) => (
          // Resources have no identity but their place; one that goes takes the state of its fields along.
          <Paper withBorder p="sm" key={`${String(index)} of ${String(resources.length)}`} role="group" aria-label={t("modelNumber", { number: index + 1 })}>
            <Stack gap={0}>
              {resources.length > 1 && (
                <Group justify="space-between">
                  <Text size="sm" fw={600}>{t("modelNumber", { number: index + 1 })}</Text>
                  <ActionIcon variant="subtle" color="gray" aria-label={t("removeModel", { number: index + 1 })} onClick={() => { set("endpointModelResourceList", resources.filter((_, place) => place !== index)); }}>
                    <IconTrash size={16} />
                  </ActionIcon>
                </Group>
              )}
              <ResourceFields fields={below(fields, `endpointModelResourceList.${String(index)}`, resource)} />
            </Stack>
          </Paper>
        ))}
        {resources.length < MAXIMUM_RESOURCES && (
          <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} style={{ alignSelf: "flex-start" }} onClick={() => { set("endpointModelResourceList", [...resources, NEW_RESOURCE]); }}>
            {t("addModel")}
          </Button>
        )}
      </FormSection>
      <FormSection title={t("moreSettings")}>
        <Textarea label={common("description")} autosize minRows={1} value={values.description ?? ""} error={errorOf("description")} onChange={(event) => { set("description", event.currentTarget.value); }} />
        <Switch label={t("useLog")} description={t("useLogHint")} checked={values.useLog === true} onChange={(event) => { set("useLog", event.currentTarget.checked); }} />
        <TagFields tags={values.tagList ?? []} onChange={(tags) => { set("tagList", tags); }} errorOf={errorOf} />
      </FormSection>
    </>
  );
}
