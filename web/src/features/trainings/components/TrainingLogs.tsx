import { Select } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { LogViewer } from "@/components/LogViewer";
import type { TrainingView } from "@/lib/api/generated/types.gen";

import { logDownloadUrl, logStreamUrl, readLogOf } from "../api/readTrainingLog";

/** What a node wrote; which node is in the address. */
export function TrainingLogs({ training }: { training: TrainingView }) {
  const { t } = useTranslation("trainings");
  const [params, setParams] = useSearchParams();
  const id = training.trainingId;
  const wanted = Number(params.get("node") ?? 0);
  const node = Number.isInteger(wanted) && wanted >= 0 && wanted < training.instanceCount ? wanted : 0;
  const nodes = Array.from({ length: training.instanceCount }, (_, index) => ({ value: String(index), label: t("node", { node: index }) }));
  return (
    <LogViewer
      queryKey={["training", "log", id, node]} read={readLogOf(id, node)} streamUrl={logStreamUrl(id, node)} downloadUrl={logDownloadUrl(id, node)}
    >
      {nodes.length > 1 && (
        <Select
          size="xs" w={120} aria-label={t("whichNode")} data={nodes} value={String(node)} allowDeselect={false}
          onChange={(value) => { setParams({ tab: "logs", node: value ?? "0" }, { replace: true }); }}
        />
      )}
    </LogViewer>
  );
}
