import { Radio, Stack, Switch, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { CreationForm, FormSection } from "@/components/CreationForm";
import { useCreation } from "@/components/creation";
import type { EndpointSpec } from "@/lib/api/generated/types.gen";
import { zEndpointSpec } from "@/lib/api/generated/zod.gen";
import { paths } from "@/lib/paths";

import { checkEndpoint, useCreateEndpoint } from "../api/createEndpoint";
import { useNames } from "../names";
import { endpointWords, fieldsOf, newSettings } from "../stageForm";
import { EndpointChoice } from "./EndpointChoice";
import { StageFields } from "./StageFields";
import { StagePreview } from "./StagePreview";

/** Creates an endpoint with its default stage, or leads to the form of one more stage (EP-03). */
export function EndpointForm({ modelId }: { modelId: string }) {
  const { t } = useTranslation("endpoints");
  const navigate = useNavigate();
  const createEndpoint = useCreateEndpoint();
  const creation = useCreation<EndpointSpec>({
    name: modelId === "" ? "endpoint" : `endpoint-of-${modelId}`, schema: zEndpointSpec,
    initial: { endpointName: "", apiKeyEnable: false, ...newSettings(modelId) },
    check: checkEndpoint,
    create: async (body) => {
      const made = await createEndpoint(body);
      await navigate(paths.endpoints.one(made.endpointId));
    },
  });
  const { form } = creation;
  const names = useNames("");
  const { apiKeyEnable, ...settings } = form.getValues();
  return (
    <CreationForm creation={creation} words={endpointWords(names)} submitLabel={t("create")} aside={<StagePreview body={settings} />}>
      <FormSection title={t("endpoint")}>
        <Radio.Group value="new" onChange={() => undefined} aria-label={t("endpoint")}>
          <Stack gap="xs">
            <Radio value="new" label={t("asNewEndpoint")} />
            <EndpointChoice modelId={modelId} />
          </Stack>
        </Radio.Group>
        <TextInput label={t("endpointName")} description={t("endpointNameHint")} required {...form.getInputProps("endpointName")} />
        <Switch label={t("needsKey")} description={t("needsKeyHint")} checked={apiKeyEnable === true} onChange={(event) => { form.setFieldValue("apiKeyEnable", event.currentTarget.checked); }} />
      </FormSection>
      <StageFields fields={fieldsOf(creation)} />
    </CreationForm>
  );
}
