import { Button, Group, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ActionButton, useConfirmed } from "@/components/ActionButton";
import { CopyIcon } from "@/components/CopyText";
import { ErrorView } from "@/components/ErrorView";
import type { EndpointView } from "@/lib/api/generated/types.gen";

import { useApiKey, useSetApiKey } from "../api/apiKey";

/** The key that calls need, if they need one (GW-L05). */
export function ApiKey({ endpoint }: { endpoint: EndpointView }) {
  const { t } = useTranslation("endpoints");
  const confirmed = useConfirmed();
  const [isShown, setShown] = useState(false);
  const { data: key, error } = useApiKey(endpoint.endpointId, isShown && endpoint.apiKeyEnable);
  const setApiKey = useSetApiKey(endpoint.endpointId);
  const refusal = endpoint.endpointStatusCode === "DELETE_IN_PROGRESS" ? t("beingDeleted") : null;
  const ask = (isNeeded: boolean): void => {
    const what = !isNeeded ? "keyOff" : endpoint.apiKeyEnable ? "keyRenew" : "keyOn";
    confirmed({ title: t(`${what}Title`), text: t(`${what}Text`), confirm: t(what), isDestructive: what !== "keyOn" }, () => setApiKey(isNeeded));
  };
  return (
    <Stack gap="xs">
      <Title order={2} size="h5">{t("apiKey")}</Title>
      <Text size="sm" c="dimmed">{t(endpoint.apiKeyEnable ? "keyNeeded" : "keyNotNeeded")}</Text>
      {error !== null && <ErrorView error={error} />}
      <Group gap="xs">
        {endpoint.apiKeyEnable && !isShown && <Button size="xs" variant="default" onClick={() => { setShown(true); }}>{t("showKey")}</Button>}
        {endpoint.apiKeyEnable && key != null && (
          <Group gap={4} wrap="nowrap">
            <PasswordInput size="xs" w={320} maw="100%" readOnly value={key} aria-label={t("apiKey")} />
            <CopyIcon text={key} />
          </Group>
        )}
        <ActionButton refusal={refusal} onClick={() => { ask(true); }}>{t(endpoint.apiKeyEnable ? "keyRenew" : "keyOn")}</ActionButton>
        {endpoint.apiKeyEnable && <ActionButton refusal={refusal} onClick={() => { ask(false); }}>{t("keyOff")}</ActionButton>}
      </Group>
    </Stack>
  );
}
