import { Badge, Group, Switch, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Panel } from "@/components/Panel";
import { StatusBadge } from "@/components/StatusBadge";
import type { TrainingView } from "@/lib/api/generated/types.gen";

import { hyperparameterRows, rowOf, type Row } from "../comparison";

import { Elapsed } from "./Elapsed";
import { SideBySide, type SideBySideRow } from "./SideBySide";

/** How trainings went and with what they were started; what differs says so. */
export function ComparedSettings({ trainings }: { trainings: readonly TrainingView[] }) {
  const { t } = useTranslation(["trainings", "job", "common"]);
  const [isShort, setShort] = useState(false);
  const settings = [
    rowOf(t("experiment", { ns: "job" }), trainings.map(({ experiment }) => experiment?.experimentName ?? null)),
    rowOf(t("flavor", { ns: "job" }), trainings.map(({ flavor }) => flavor.name)),
    rowOf(t("image", { ns: "job" }), trainings.map(({ image }) => image?.imageName ?? t("imageGone"))),
    rowOf(t("nodes", { ns: "job" }), trainings.map(({ instanceCount }) => String(instanceCount))),
    rowOf(t("source", { ns: "job" }), trainings.map(({ sourceDirUri }) => sourceDirUri)),
    rowOf(t("entryPoint", { ns: "job" }), trainings.map(({ entryPoint }) => entryPoint)),
  ];
  const chosen = (rows: readonly Row[]): Row[] => rows.filter(({ isDifferent }) => isDifferent || !isShort);
  const rows: SideBySideRow[] = [
    { key: "status", name: t("status", { ns: "common" }), cells: trainings.map((one) => <StatusBadge status={one.trainingStatusCode} key={one.trainingId} />) },
    { key: "time", name: t("trainingTime"), cells: trainings.map((one) => <Elapsed training={one} key={one.trainingId} />) },
    ...chosen(settings).map((row) => drawn(row, `setting ${row.name}`, t("differs"))),
    ...chosen(hyperparameterRows(trainings)).map((row) => drawn(row, `hyperparameter ${row.name}`, t("differs"))),
  ];
  return (
    <Panel
      title={t("settings")}
      aside={<Switch size="xs" label={t("onlyDifferences")} checked={isShort} onChange={(event) => { setShort(event.currentTarget.checked); }} />}
    >
      <SideBySide trainings={trainings} label={t("settings")} corner={t("setting")} rows={rows} />
    </Panel>
  );
}

function drawn({ name, values, isDifferent }: Row, key: string, word: string): SideBySideRow {
  return {
    key,
    name: isDifferent ? <Group gap={6}>{name}<Badge variant="default" size="xs" tt="none">{word}</Badge></Group> : name,
    cells: values.map((value, place) => <Text size="sm" fw={isDifferent ? 700 : 400} span key={place}>{value ?? "–"}</Text>),
  };
}
