/** Why something cannot be done with an endpoint or a stage now, by the API's own rules (GN-27); null: it can. */
import { useTranslation } from "react-i18next";

import type { EndpointModelView, EndpointStageView, EndpointView } from "@/lib/api/generated/types.gen";
import { statusName } from "@/lib/statuses";

type Refusal = string | null;

const TAKES_STAGES = ["ACTIVE", "UPDATE_IN_PROGRESS", "UPDATE_FAILED"];
const TAKES_RESOURCES = ["ACTIVE", "DEPLOY_IN_PROGRESS"];
const GIVES_RESOURCES = [...TAKES_RESOURCES, "DEPLOY_FAILED"];

export function useEndpointRefusals(): (endpoint: EndpointView) => { createStage: Refusal; changeDefault: Refusal; delete: Refusal } {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  return (endpoint) => {
    const status = endpoint.endpointStatusCode;
    const isDeleting = status === "DELETE_IN_PROGRESS" ? t("beingDeleted") : null;
    const isChanging = endpoint.defaultStageChange === null ? null : t("beingChanged");
    const others = endpoint.endpointStageList.filter((stage) => !stage.isDefaultStage && stage.endpointStageStatusCode !== "DELETE_IN_PROGRESS");
    const notPermitted = common("notPermitted", { status: statusName(status) });
    return {
      createStage: isDeleting ?? isChanging ?? (TAKES_STAGES.includes(status) ? null : notPermitted),
      changeDefault: isDeleting ?? isChanging ?? (others.length === 0 ? t("noOtherStage") : null),
      // One that is being made may be deleted: that ends its creation.
      delete: isDeleting ?? isChanging ?? (others.length > 0 ? t("hasOtherStages", { names: others.map((stage) => stage.endpointStageName).join(", ") }) : null),
    };
  };
}

export function useStageRefusals(): (stage: EndpointStageView, endpoint: EndpointView | undefined) => { addResource: Refusal; delete: Refusal; makeDefault: Refusal; whileMade: Refusal } {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  return (stage, endpoint) => {
    const status = stage.endpointStageStatusCode;
    const isDeleting = status === "DELETE_IN_PROGRESS" || stage.endpointStatusCode === "DELETE_IN_PROGRESS" ? t("beingDeleted") : null;
    const isChanging = endpoint?.defaultStageChange != null || stage.isDefaultStageCandidate ? t("beingChanged") : null;
    const notPermitted = common("notPermitted", { status: statusName(status) });
    return {
      addResource: isDeleting ?? isChanging ?? (TAKES_RESOURCES.includes(status) ? null : notPermitted),
      delete: isDeleting ?? (stage.isDefaultStage ? t("defaultStageStays") : stage.isDefaultStageCandidate ? t("beingChanged") : null),
      makeDefault: stage.isDefaultStage ? t("isDefaultAlready") : isDeleting ?? isChanging,
      whileMade: ["CREATE_REQUESTED", "CREATE_IN_PROGRESS"].includes(status) ? notPermitted : null,
    };
  };
}

/** Why a model cannot be taken off its stage now (SR-23, SR-26). */
export function useResourceRefusal(): (resource: EndpointModelView, stage: EndpointStageView) => Refusal {
  const { t } = useTranslation("endpoints");
  const { t: common } = useTranslation();
  return (resource, stage) => {
    if (resource.endpointModelStatusCode === "DELETE_IN_PROGRESS") return t("beingDeleted");
    if (!GIVES_RESOURCES.includes(stage.endpointStageStatusCode)) return common("notPermitted", { status: statusName(stage.endpointStageStatusCode) });
    const others = stage.endpointModelList.filter((each) => each.endpointModelId !== resource.endpointModelId && each.endpointModelStatusCode !== "DELETE_IN_PROGRESS");
    return others.length === 0 ? t("lastResource") : null;
  };
}
