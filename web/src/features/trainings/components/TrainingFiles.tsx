import { Anchor, Group, Stack, Table, Text } from "@mantine/core";
import { IconFile, IconFolder } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { CopyIcon } from "@/components/CopyText";
import type { TrainingView } from "@/lib/api/generated/types.gen";
import { bytes } from "@/lib/format";
import { paths } from "@/lib/paths";
import { objectsQuery } from "@/lib/storage";

// More is seen on the page of storage.
const SHOWN_ENTRIES = 8;

/** Where a training reads and writes, and what lies there now. */
export function TrainingFiles({ training }: { training: TrainingView }) {
  const { t } = useTranslation("job");
  const places: (readonly [string, string | null])[] = [
    [t("modelOutput"), training.modelUploadUri], [t("checkpointOutput"), training.checkPointUploadUri], [t("source"), training.sourceDirUri],
    ...training.datasetList.map((dataset) => [`${t("datasets")}: ${dataset.datasetName}`, dataset.dataUri] as const),
    [t("checkpointInput"), training.checkPointInputUri],
  ];
  return (
    <Stack gap="lg">
      {places.map(([name, uri]) => (uri === null ? null : <Place name={name} uri={uri} key={name} />))}
    </Stack>
  );
}

function Place({ name, uri }: { name: string; uri: string }) {
  const { t } = useTranslation("trainings");
  const { data: entries, error } = useQuery(objectsQuery(uri));
  return (
    <section aria-label={name}>
      <Text size="sm" fw={600}>{name}</Text>
      <Group gap={4} wrap="nowrap"><Anchor component={Link} to={paths.storage(uri)} size="sm" style={{ overflowWrap: "anywhere" }}>{uri}</Anchor><CopyIcon text={uri} /></Group>
      {error !== null && <Text size="sm" c="dimmed">{error.message}</Text>}
      {entries?.length === 0 && <Text size="sm" c="dimmed">{t("nothingThere")}</Text>}
      {entries !== undefined && entries.length > 0 && (
        <Table verticalSpacing={4} fz="sm" maw={640} mt={4}>
          <Table.Tbody>
            {entries.slice(0, SHOWN_ENTRIES).map((entry) => (
              <Table.Tr key={entry.name}>
                <Table.Td><Group gap={6} wrap="nowrap">{entry.isDirectory ? <IconFolder size={14} aria-hidden /> : <IconFile size={14} aria-hidden />}{entry.name}</Group></Table.Td>
                <Table.Td ta="right" c="dimmed">{entry.isDirectory ? "" : bytes(entry.size)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {entries !== undefined && entries.length > SHOWN_ENTRIES && <Text size="xs" c="dimmed">{t("moreFiles", { count: entries.length - SHOWN_ENTRIES })}</Text>}
    </section>
  );
}
