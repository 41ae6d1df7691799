import { Select } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { useEndpointChoices } from "../api/choices";

/** The other way (EP-03): one more stage of an endpoint that exists. What is chosen leads to that form. */
export function EndpointChoice({ modelId }: { modelId: string }) {
  const { t } = useTranslation("endpoints");
  const navigate = useNavigate();
  const { data: endpoints = [] } = useEndpointChoices();
  if (endpoints.length === 0) return null;
  const go = (id: string | null): void => {
    if (id !== null) void navigate(`/endpoints/${id}/stages/new${modelId === "" ? "" : `?model=${modelId}`}`);
  };
  return (
    <Select
      size="xs" label={t("asNewStage")} placeholder={t("chooseEndpoint")} searchable value={null} onChange={go} maw={420}
      data={endpoints.map((endpoint) => ({ value: endpoint.endpointId, label: endpoint.endpointName }))}
    />
  );
}
