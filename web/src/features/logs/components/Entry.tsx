import { Badge, Group, Text, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { CopyText } from "@/components/CopyText";
import { Facts } from "@/components/Facts";
import { ResourceLink, type LinkedResource } from "@/components/ResourceLink";
import type { LogEntryView } from "@/lib/api/generated/types.gen";
import { exactTime } from "@/lib/time";

import classes from "./Entry.module.css";

const COLORS: Partial<Record<string, string>> = { ERROR: "red", WARNING: "orange", INFO: "gray" };

/** The resource whose output this is. */
export function sourceOf(entry: LogEntryView): LinkedResource | null {
  const { hyperparameterTuningId: tuning, trainingId: training, endpointStageId: stage, endpointId: endpoint } = entry;
  if (tuning !== null) return { kind: "hyperparameter-tuning", id: tuning, name: tuning.slice(0, 8) };
  if (training !== null) return { kind: "training", id: training, name: training.slice(0, 8) };
  if (stage !== null && endpoint !== null) return { kind: "endpoint-stage", id: stage, name: stage.slice(0, 8), parentId: endpoint };
  if (endpoint !== null) return { kind: "endpoint", id: endpoint, name: endpoint.slice(0, 8) };
  return null;
}

/** One entry: its text, and all of its fields once it is opened (LG-06…LG-19). */
export function Entry({ entry, onNarrow }: { entry: LogEntryView; onNarrow: (field: string, value: string) => void }) {
  const { t, i18n } = useTranslation("logs");
  const [isOpen, setOpen] = useState(false);
  const source = sourceOf(entry);
  const { body, fields, ...known } = entry;
  const shown = [...Object.entries(known), ...Object.entries(fields)].filter(([name, value]) => name !== "logId" && value !== null && value !== "");
  return (
    <div className={classes.entry} role="listitem">
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <UnstyledButton className={classes.line} aria-expanded={isOpen} onClick={() => { setOpen(!isOpen); }}>
          <time className={classes.time} dateTime={entry.time} title={exactTime(entry.time, i18n.language)}>{new Date(entry.time).toLocaleTimeString(i18n.language, { hour12: false })}</time>
          <Badge size="xs" radius="sm" variant="light" color={COLORS[entry.logLevel] ?? "gray"} className={classes.level}>{entry.logLevel}</Badge>
          <span className={isOpen ? classes.whole : classes.body}>{body}</span>
        </UnstyledButton>
        {source !== null && <Text size="xs" className={classes.source}><ResourceLink {...source} /></Text>}
      </Group>
      {isOpen && (
        <div className={classes.fields}>
          <Facts facts={shown.map(([name, value]) => {
            const text = typeof value === "string" ? value : JSON.stringify(value);
            return [name, (
              <Group gap={4} key={name}>
                <CopyText text={text} />
                <UnstyledButton fz="xs" c="blue" onClick={() => { onNarrow(name, text); }}>{t("narrow")}</UnstyledButton>
              </Group>
            )] as const;
          })} />
        </div>
      )}
    </div>
  );
}
