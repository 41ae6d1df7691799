import { Button, Group } from "@mantine/core";
import { IconFolderUp, IconUpload } from "@tabler/icons-react";
import { useRef, type ChangeEvent } from "react";
import { useTranslation } from "react-i18next";

import { pickedFiles, type Picked } from "../droppedFiles";

/** Chooses files, or a whole folder, to be uploaded. */
export function UploadButtons({ onPick }: { onPick: (files: Picked[]) => void }) {
  const { t } = useTranslation("storage");
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const pick = (event: ChangeEvent<HTMLInputElement>): void => {
    onPick(pickedFiles(event.currentTarget.files ?? []));
    // The same choice again is another upload.
    event.currentTarget.value = "";
  };
  return (
    <Group gap="xs">
      <Button size="xs" leftSection={<IconUpload size={14} />} onClick={() => { files.current?.click(); }}>{t("uploadFiles")}</Button>
      <Button size="xs" variant="default" leftSection={<IconFolderUp size={14} />} onClick={() => { folder.current?.click(); }}>{t("uploadFolder")}</Button>
      <input ref={files} type="file" multiple hidden aria-label={t("uploadFiles")} onChange={pick} />
      <input ref={folder} type="file" hidden aria-label={t("uploadFolder")} onChange={pick} {...{ webkitdirectory: "" }} />
    </Group>
  );
}
