import { Alert, Badge, Box, Collapse, Group, ScrollArea, Stack, Text, Textarea, UnstyledButton } from "@mantine/core";
import { useDebouncedValue, useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ErrorView } from "@/components/ErrorView";
import type { CheckedLineView, MetricCheckView } from "@/lib/api/generated/types.gen";
import { compact } from "@/lib/format";

import { useMetricCheck } from "../../api/checkMetrics";

const TYPING_MS = 300;

/** Tries the metric format on lines of a log, before a tuning depends on it (HP-L04). */
export function MetricTest({ regex, names }: { regex: string; names: readonly string[] }) {
  const { t } = useTranslation("tunings");
  const [isOpen, box] = useDisclosure();
  const [log, setLog] = useState("");
  const [asked] = useDebouncedValue({ regex, names, log }, TYPING_MS);
  const { data, error } = useMetricCheck(asked.regex, asked.names, asked.log);
  return (
    <Box>
      <UnstyledButton onClick={box.toggle} aria-expanded={isOpen} fz="sm" c="var(--mantine-color-anchor)">
        <Group gap={4}>{isOpen ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}{t("testFormat")}</Group>
      </UnstyledButton>
      <Collapse expanded={isOpen}>
        <Stack gap="xs" pt="xs">
          <Textarea label={t("logLines")} description={t("logLinesHint")} autosize minRows={3} maxRows={8} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} spellCheck={false} placeholder="epoch 1 loss=0.5 accuracy=0.8" value={log} onChange={(event) => { setLog(event.currentTarget.value); }} />
          {error !== null ? <ErrorView error={error} title={t("formatWrong")} /> : data !== undefined && log.trim() !== "" && <Found check={data} />}
        </Stack>
      </Collapse>
    </Box>
  );
}

function Found({ check }: { check: MetricCheckView }) {
  const { t } = useTranslation("tunings");
  return (
    <Stack gap="xs" role="status">
      <Group gap="xs">
        {check.metricList.map((metric) => (
          <Badge key={metric.name} variant="light" color="teal" radius="sm" tt="none">
            {t("foundMetric", { name: metric.name, count: metric.count, latest: compact(metric.latest) })}
          </Badge>
        ))}
      </Group>
      {check.missingMetricList.length > 0 && <Alert color="orange" variant="light">{t("missingMetrics", { names: check.missingMetricList.join(", ") })}</Alert>}
      {check.metricList.length === 0 && check.missingMetricList.length === 0 && <Alert color="orange" variant="light">{t("nothingMatches")}</Alert>}
      <ScrollArea.Autosize mah={200}>
        {check.lineList.map((line) => <Line key={line.lineNumber} line={line} />)}
      </ScrollArea.Autosize>
      <Text size="xs" c="dimmed">{t("linesRead", { count: check.lineCount })}</Text>
    </Stack>
  );
}

function Line({ line }: { line: CheckedLineView }) {
  const { t } = useTranslation("tunings");
  return (
    <Group gap="xs" wrap="nowrap" align="baseline">
      <Text size="xs" c="dimmed" w={32} ta="right" style={{ flex: "none" }}>{line.lineNumber}</Text>
      <Text size="xs" ff="monospace" flex={1} miw={0} truncate title={line.text}>{line.text}</Text>
      {line.matchList.filter((match) => match.isCollected).map((match, place) => <Badge key={place} size="sm" variant="light" color="teal" radius="sm" tt="none">{match.name} {match.value === null ? match.text : compact(match.value)}</Badge>)}
      {line.isAlmost && <Badge size="sm" variant="light" color="orange" radius="sm" tt="none">{t("almost")}</Badge>}
    </Group>
  );
}
