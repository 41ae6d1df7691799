import { TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { CreationForm, FormSection } from "@/components/CreationForm";
import { useCreation } from "@/components/creation";
import { Facts } from "@/components/Facts";
import type { EndpointView, StageSpec } from "@/lib/api/generated/types.gen";
import { zStageSpec } from "@/lib/api/generated/zod.gen";
import { paths } from "@/lib/paths";

import { checkStage, useCreateStage } from "../api/createEndpoint";
import { useNames } from "../names";
import { fieldsOf, newSettings, stageWords } from "../stageForm";
import { StageFields } from "./StageFields";
import { StagePreview } from "./StagePreview";

/** Creates one more stage of an endpoint (ST-01), which is tried out without touching the default one. */
export function StageForm({ endpoint, modelId }: { endpoint: EndpointView; modelId: string }) {
  const { t } = useTranslation("endpoints");
  const navigate = useNavigate();
  const createStage = useCreateStage();
  const { endpointId } = endpoint;
  const creation = useCreation<StageSpec>({
    name: `stage-of-${endpointId}-${modelId}`, schema: zStageSpec,
    initial: { endpointId, apigwStageName: "", ...newSettings(modelId) },
    check: checkStage,
    create: async (body) => {
      const made = await createStage(body);
      await navigate(paths.stage(endpointId, made.endpointStageId));
    },
  });
  const { form } = creation;
  const names = useNames(endpoint.endpointName);
  const { apigwStageName, ...settings } = form.getValues();
  return (
    <CreationForm
      creation={creation} words={stageWords(names)} submitLabel={t("createStage")}
      aside={<StagePreview body={apigwStageName === "" ? settings : { ...settings, apigwStageName }} />}
    >
      <FormSection title={t("stage")}>
        <Facts cols={2} facts={[[t("endpoint"), endpoint.endpointName], [t("defaultStage"), endpoint.endpointStageList.find((stage) => stage.isDefaultStage)?.endpointStageName]]} />
        <TextInput label={t("stageName")} description={t("stageNameHint")} required maxLength={30} {...form.getInputProps("apigwStageName")} />
      </FormSection>
      <StageFields fields={fieldsOf(creation)} />
    </CreationForm>
  );
}
