import { Badge, Button, Group, Table, Text, Tooltip } from "@mantine/core";
import { IconCircleCheck, IconCircleX, IconLoader2 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { notifyError } from "@/components/ActionButton";
import { CopyText } from "@/components/CopyText";
import type { ImageView, PreparationView } from "@/lib/api/generated/types.gen";

import { usePreparations } from "../api/preparations";
import { usePrepareImage } from "../api/prepareImage";

/** Images with what they bring, and whether their environment is prepared on this machine. */
export function Images({ images }: { images: readonly ImageView[] }) {
  const { t } = useTranslation("images");
  const preparations = usePreparations(images.map(({ imageId }) => imageId));
  return (
    <Table.ScrollContainer type="native" minWidth={900}>
      <Table verticalSpacing={6} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("name", { ns: "common" })}</Table.Th><Table.Th>{t("coreType")}</Table.Th><Table.Th>{t("framework")}</Table.Th>
            <Table.Th>Python</Table.Th><Table.Th miw={260}>{t("environment")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {images.map((image) => (
            <Table.Tr key={image.imageId}>
              <Table.Td>
                <Text size="sm">{image.imageName}</Text>
                <Text size="xs" c="dimmed">{image.description}</Text>
                <CopyText text={image.imageId} />
              </Table.Td>
              <Table.Td>{image.coreTypeCode}</Table.Td>
              <Table.Td>{image.frameworkCode} {image.frameworkVersion}</Table.Td>
              <Table.Td>{image.pythonVersion}</Table.Td>
              <Table.Td><Environment imageId={image.imageId} preparation={preparations.get(image.imageId)} /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Environment({ imageId, preparation }: { imageId: string; preparation: PreparationView | undefined }) {
  const { t } = useTranslation("images");
  const prepare = usePrepareImage();
  if (preparation === undefined) return <Text size="sm" c="dimmed">{t("loading", { ns: "common" })}</Text>;
  const { isReady, progress, error } = preparation;
  if (isReady) return <Badge variant="light" color="teal" radius="sm" leftSection={<IconCircleCheck size={14} aria-hidden />}>{t("ready")}</Badge>;
  if (progress != null) {
    return (
      <div role="status">
        <Badge variant="light" radius="sm" leftSection={<IconLoader2 size={14} aria-hidden />}>{t("preparing")}</Badge>
        <Text size="xs" c="dimmed" lineClamp={2}>{progress}</Text>
      </div>
    );
  }
  return (
    <Group gap="xs" wrap="nowrap">
      {error != null && (
        <Tooltip label={error} multiline maw={480} events={{ hover: true, focus: true, touch: true }}>
          <Badge variant="light" color="red" radius="sm" tabIndex={0} leftSection={<IconCircleX size={14} aria-hidden />}>{t("failed")}</Badge>
        </Tooltip>
      )}
      <Button
        size="compact-xs" variant="default" loading={prepare.isPending}
        onClick={() => { prepare.mutate(imageId, { onError: (refusal) => { notifyError(t("notPrepared"), refusal); } }); }}
      >
        {error == null ? t("prepare") : t("retry", { ns: "common" })}
      </Button>
    </Group>
  );
}
