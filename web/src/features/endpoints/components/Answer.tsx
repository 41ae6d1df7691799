import { Badge, Code, Group, Paper, ScrollArea, Stack, Table, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { CopyIcon } from "@/components/CopyText";
import type { TriedView } from "@/lib/api/generated/types.gen";

import { prettyText } from "../protocol";

/** What a stage answered, as far as it has: status, time, body, headers. */
export function Answer({ answer, state }: { answer: TriedView; state: "grows" | "brokeOff" | "whole" }) {
  const { t } = useTranslation("endpoints");
  const [areHeadersOpen, headers] = useDisclosure();
  const isGood = answer.statusCode < 400;
  const text = useMemo(() => (answer.bodyEncoding === "TEXT" ? prettyText(answer.body) : ""), [answer]);
  return (
    <Paper withBorder p="md" role="region" aria-label={t("answer")} aria-live="polite" aria-busy={state === "grows"}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Group gap="xs">
            <Badge radius="sm" variant="light" color={isGood ? "teal" : "red"} leftSection={isGood ? <IconCircleCheck size={14} aria-hidden /> : <IconCircleX size={14} aria-hidden />}>
              {answer.statusCode}
            </Badge>
            <Text size="sm">{state === "whole" ? t("milliseconds", { value: answer.milliseconds.toLocaleString() }) : t(state === "grows" ? "answerGrows" : "incomplete")}</Text>
          </Group>
          {text !== "" && <CopyIcon text={text} />}
        </Group>
        {answer.bodyEncoding === "BASE64" ? <Text size="sm" c="dimmed">{t("binaryAnswer")}</Text>
          : text === "" ? <Text size="sm" c="dimmed">{t("emptyAnswer")}</Text>
            : <ScrollArea.Autosize mah={420}><Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{text}</Code></ScrollArea.Autosize>}
        {answer.isBodyCut && <Text size="xs" c="dimmed">{t("cutAnswer")}</Text>}
        <UnstyledButton onClick={headers.toggle} aria-expanded={areHeadersOpen}><Text size="xs" c="dimmed" td="underline">{t(areHeadersOpen ? "hideHeaders" : "showHeaders", { count: answer.headerList.length })}</Text></UnstyledButton>
        {areHeadersOpen && (
          <Table fz="xs" layout="fixed">
            <Table.Tbody>
              {answer.headerList.map((header, index) => (
                <Table.Tr key={`${String(index)} ${header.headerName}`}><Table.Th>{header.headerName}</Table.Th><Table.Td style={{ overflowWrap: "anywhere" }}>{header.headerValue}</Table.Td></Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Stack>
    </Paper>
  );
}
