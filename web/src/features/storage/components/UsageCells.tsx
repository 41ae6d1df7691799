import { Table } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { bytes } from "@/lib/format";

import { useContainerUsage } from "../api/containerUsage";

/** Objects and bytes of a container; a dash until they are counted, and where they cannot be (OS-L03). */
export function UsageCells({ container }: { container: string }) {
  const { t } = useTranslation("storage");
  const { data } = useContainerUsage(container);
  const shown = (text: string): string => (data?.isComplete === false ? t("atLeast", { text }) : text);
  return (
    <>
      <Table.Td ta="right">{data === undefined ? "–" : shown(data.objectCount.toLocaleString())}</Table.Td>
      <Table.Td ta="right">{data === undefined ? "–" : shown(bytes(data.totalBytes))}</Table.Td>
    </>
  );
}
