import { Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import { IconSearch } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { PLACES } from "./navigation";

/** Search over pages and commands, by Ctrl+K or `/`. */
export function Search() {
  const { t } = useTranslation("shell");
  const navigate = useNavigate();
  const actions: SpotlightActionData[] = PLACES.map(({ label, to, icon: Icon }) => ({
    id: to, label: t(label), leftSection: <Icon size={18} stroke={1.5} />, onClick: () => { void navigate(to); },
  }));
  return (
    <Spotlight
      actions={actions} nothingFound={t("searchNothing")} shortcut={["mod + K", "/"]} scrollable maxHeight={420}
      searchProps={{ placeholder: t("searchAll"), "aria-label": t("searchAll"), leftSection: <IconSearch size={18} /> }}
    />
  );
}
