import { VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";

import classes from "./Pending.module.css";

/** What stands where rows or facts will be as soon as the daemon has answered; seen by whoever has to wait for it. */
export function Pending() {
  const { t } = useTranslation();
  return (
    <div className={classes.lines} aria-busy>
      <VisuallyHidden role="status">{t("loading")}</VisuallyHidden>
    </div>
  );
}
