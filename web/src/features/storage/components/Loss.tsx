import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { bytes } from "@/lib/format";
import { objectsQuery } from "@/lib/storage";

/** What is lost when a folder or container goes: how many files, how much. */
export function Loss({ uri }: { uri: string }) {
  const { t } = useTranslation("storage");
  const { data, error } = useQuery(objectsQuery(uri, true));
  if (error) return <Text size="sm" c="red">{error.message}</Text>;
  if (data === undefined) return <Text size="sm">{t("counting")}</Text>;
  const files = data.filter((entry) => !entry.isDirectory);
  if (files.length === 0) return <Text size="sm">{t("lossNothing")}</Text>;
  return <Text size="sm" fw={600}>{t("loss", { count: files.length, size: bytes(files.reduce((sum, { size }) => sum + size, 0)) })}</Text>;
}
