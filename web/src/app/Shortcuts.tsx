import { Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { spotlight } from "@mantine/spotlight";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { ShortcutList } from "@/components/ShortcutList";
import { listenForShortcuts } from "@/lib/shortcuts";

/** Keys that lead somewhere, and the sheet that shows them. */
export function Shortcuts() {
  const { t } = useTranslation("shell");
  const navigate = useNavigate();
  const [isOpen, { open, close }] = useDisclosure();
  useEffect(() => listenForShortcuts((to) => { void navigate(to); }, { "?": open, "/": spotlight.open }), [navigate, open]);
  return <Modal opened={isOpen} onClose={close} title={t("shortcuts")} size="lg"><ShortcutList /></Modal>;
}
