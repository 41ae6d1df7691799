import { SimpleGrid } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { TimeChart } from "../charts/TimeChart";
import type { Unit } from "../charts/units";

import { isMeasured, nodeName, seriesOf, type Measure } from "./measures";
import type { Use } from "./use";

interface Picture {
  title: string;
  unit: Unit;
  measures: readonly { measure: Measure; word?: string }[];
  /** Left out where it was never measured. */
  isExtra?: boolean;
}

/** CPU, memory, GPU, disk and network of nodes or pods, under one cursor. */
export function UseCharts({ use, group }: { use: Use; group: string }) {
  const { t } = useTranslation("monitoring");
  const charts = useMemo(() => {
    const pictures: Picture[] = [
      { title: t("cpu"), unit: "vCPU", measures: [{ measure: "cpu" }] },
      { title: t("memory"), unit: "B", measures: [{ measure: "memoryBytes" }] },
      { title: t("gpu"), unit: "share", measures: [{ measure: "gpu" }], isExtra: true },
      { title: t("gpuMemory"), unit: "B", measures: [{ measure: "gpuMemoryBytes" }], isExtra: true },
      { title: t("disk"), unit: "B/s", measures: [{ measure: "diskReadBytesPerSecond", word: t("read") }, { measure: "diskWrittenBytesPerSecond", word: t("written") }] },
      { title: t("network"), unit: "B/s", measures: [{ measure: "networkReceivedBytesPerSecond", word: t("received") }, { measure: "networkSentBytesPerSecond", word: t("sent") }] },
    ];
    // The name of the only member would say nothing.
    const nameOf = (member: string): string => (use.members.length === 1 ? "" : nodeName(member, t));
    return pictures
      .filter(({ isExtra, measures }) => isExtra !== true || measures.some(({ measure }) => isMeasured(use, measure)))
      .map((picture) => ({ ...picture, series: seriesOf(use, picture.measures, nameOf) }));
  }, [t, use]);
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl" verticalSpacing="lg">
      {charts.map(({ title, unit, series }) => <TimeChart key={title} title={title} unit={unit} series={series} range={use.range} group={group} note={t("notMeasured")} />)}
    </SimpleGrid>
  );
}
