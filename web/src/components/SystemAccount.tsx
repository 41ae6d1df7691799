import { Anchor, Button, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { useSystem } from "@/lib/machine";
import { paths } from "@/lib/paths";

import { CopyText } from "./CopyText";
import { Facts } from "./Facts";

/** A button that shows the account to which containers have to be granted, for users to note (TR-38, MD-16, OS-09). */
export function SystemAccount() {
  const { t } = useTranslation("storage");
  const [isOpen, dialog] = useDisclosure();
  const { data: system } = useSystem();
  return (
    <>
      <Button size="xs" variant="default" onClick={dialog.open}>{t("account")}</Button>
      <Modal opened={isOpen} onClose={dialog.close} title={t("accountTitle")}>
        <Stack>
          <Facts
            cols={2}
            facts={[
              [t("tenantId"), system && <CopyText text={system.tenantId} key="tenant" />],
              [t("apiUserId"), system && <CopyText text={system.userId} key="user" />],
            ]}
          />
          <Text size="sm">{t("accountHint")} <Anchor component={Link} to={paths.storage()} size="sm">{t("storage", { ns: "shell" })}</Anchor></Text>
          <Text size="sm" c="dimmed">{t("accountDuty")}</Text>
        </Stack>
      </Modal>
    </>
  );
}
