import { ActionIcon, Code, CopyButton, Group, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** A button that copies `text`. */
export function CopyIcon({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={text} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t("copied") : t("copyText")}>
          <ActionIcon variant="subtle" color={copied ? "teal" : "gray"} size="sm" onClick={copy} aria-label={t("copyText")}>
            {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** Something short that people copy: an id, a path, a URL. */
export function CopyText({ text, shown }: { text: string; shown?: string }) {
  return (
    <Group gap={4} wrap="nowrap" component="span" display="inline-flex" maw="100%">
      <Code title={text} miw={0} style={{ overflowWrap: "anywhere" }}>{shown ?? text}</Code>
      <CopyIcon text={text} />
    </Group>
  );
}

/** Lines to copy: a command, a piece of a program. */
export function CopyBlock({ text }: { text: string }) {
  return (
    <Group gap="xs" align="flex-start" wrap="nowrap">
      <Code block flex={1} miw={0} style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{text}</Code>
      <CopyIcon text={text} />
    </Group>
  );
}
