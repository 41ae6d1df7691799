import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useConfirmed } from "@/components/ActionButton";
import { bytes } from "@/lib/format";

import { useDeleteObject } from "./api/deleteObject";
import { Loss } from "./components/Loss";

export interface Doomed {
  uri: string;
  name: string;
  size: number;
  isDirectory: boolean;
}

/** Returns what asks before it deletes, and says what will be lost. */
export function useDeletion(): (rows: readonly Doomed[], done: () => void) => void {
  const { t } = useTranslation("storage");
  const confirm = useConfirmed();
  const { mutateAsync } = useDeleteObject();
  return (rows, done) => {
    const [first] = rows;
    confirm({
      title: rows.length === 1 && first !== undefined ? t("deleteOne", { name: first.name }) : t("deleteMany", { count: rows.length }),
      text: rows.map((row) => (
        <div key={row.uri}>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>{row.uri}</Text>
          {row.isDirectory ? <Loss uri={row.uri} /> : <Text size="sm" fw={600}>{bytes(row.size)}</Text>}
        </div>
      )),
      confirm: t("delete", { ns: "common" }), isDestructive: true,
    }, async () => {
      for (const { uri, isDirectory } of rows) await mutateAsync({ uri, recursive: isDirectory });
      done();
    });
  };
}
