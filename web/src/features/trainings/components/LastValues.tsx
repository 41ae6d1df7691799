import { Badge, Group } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { Panel } from "@/components/Panel";
import type { TrainingView } from "@/lib/api/generated/types.gen";

import { marksOf, type ComparedMetric, type Mark } from "../comparison";
import { valueWords } from "../curves";

import { SideBySide } from "./SideBySide";

// A hundred metrics would put their charts out of sight.
const MOST_PIXELS = 480;

/** What each metric came to in each training; the lowest and the highest are marked, as nobody told which is better. */
export function LastValues({ trainings, compared }: { trainings: readonly TrainingView[]; compared: readonly ComparedMetric[] }) {
  const { t } = useTranslation("trainings");
  const { t: words } = useTranslation("metrics");
  const rows = compared.map(({ name, metrics }) => {
    const values = metrics.map((metric) => metric?.pointList.at(-1)?.value);
    const marks = marksOf(values);
    return {
      key: name, name,
      cells: values.map((value, place) => value === undefined ? "–" : <Group gap={6} key={place}>{valueWords(value, words)}<Marked mark={marks[place] ?? null} /></Group>),
    };
  });
  return <Panel title={t("lastValues")}><SideBySide trainings={trainings} label={t("lastValues")} corner={t("metric")} rows={rows} maxHeight={MOST_PIXELS} /></Panel>;
}

function Marked({ mark }: { mark: Mark }) {
  const { t } = useTranslation("trainings");
  if (mark === null) return null;
  const Icon = mark === "lowest" ? IconArrowDown : IconArrowUp;
  return <Badge variant="default" size="xs" tt="none" leftSection={<Icon size={10} aria-hidden />}>{t(mark)}</Badge>;
}
