import { List } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { ActionButton, useConfirmed } from "@/components/ActionButton";
import type { TuningView } from "@/lib/api/generated/types.gen";

import { useDeleteTuning } from "../api/deleteTuning";
import { useStopTuning } from "../api/stopTuning";
import { isDeletable } from "../tuning";

/** What can be done with several tunings at once: only with those whose status permits it, and the dialogue names them. */
export function TuningBulkActions({ chosen, clear }: { chosen: readonly TuningView[]; clear: () => void }) {
  const { t } = useTranslation("tunings");
  const confirmed = useConfirmed();
  const stop = useStopTuning();
  const remove = useDeleteTuning();
  const stoppable = chosen.filter((tuning) => tuning.isStoppable);
  const deletable = chosen.filter((tuning) => isDeletable(tuning) && tuning.modelList.length === 0);
  const ask = (title: string, text: string, confirm: string, tunings: readonly TuningView[], act: (id: string) => Promise<unknown>): void => {
    const names = <List size="sm" mt="xs">{tunings.map((one) => <List.Item key={one.hyperparameterTuningId}>{one.hyperparameterTuningName}</List.Item>)}</List>;
    confirmed({ title, text: <>{text}{names}</>, confirm, isDestructive: true }, async () => {
      for (const one of tunings) await act(one.hyperparameterTuningId);
      clear();
    });
  };
  return (
    <>
      <ActionButton
        size="compact-xs" refusal={stoppable.length === 0 ? t("noneStoppable") : null}
        onClick={() => { ask(t("stopSeveral", { count: stoppable.length }), t("stopSeveralText"), t("stop", { ns: "common" }), stoppable, stop.mutateAsync); }}
      >
        {t("stop", { ns: "common" })} ({stoppable.length})
      </ActionButton>
      <ActionButton
        size="compact-xs" refusal={deletable.length === 0 ? t("noneDeletable") : null}
        onClick={() => { ask(t("deleteSeveral", { count: deletable.length }), t("deleteText"), t("delete", { ns: "common" }), deletable, remove.mutateAsync); }}
      >
        {t("delete", { ns: "common" })} ({deletable.length})
      </ActionButton>
    </>
  );
}
