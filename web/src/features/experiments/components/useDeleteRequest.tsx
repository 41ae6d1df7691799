import { List, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useConfirmed } from "@/components/ActionButton";
import type { ExperimentView } from "@/lib/api/generated/types.gen";

import { useDeleteExperiments } from "../api/deleteExperiment";

/** Asks before experiments are deleted, and says what that does (EX.3). */
export function useDeleteRequest(): (experiments: readonly ExperimentView[], then?: () => void) => void {
  const { t } = useTranslation(["experiments", "common"]);
  const confirmed = useConfirmed();
  const { mutateAsync: remove } = useDeleteExperiments();
  return (experiments, then) => {
    const text = (
      <Stack gap="xs">
        <Text size="sm">{t("deleteText")}</Text>
        <List size="sm">{experiments.map((one) => <List.Item key={one.experimentId}>{one.experimentName}</List.Item>)}</List>
      </Stack>
    );
    confirmed(
      { title: t("deleteTitle", { count: experiments.length }), text, confirm: t("delete", { ns: "common" }), isDestructive: true },
      async () => { await remove(experiments.map((one) => one.experimentId)); then?.(); },
    );
  };
}
