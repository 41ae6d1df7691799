import { Box, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useTranslation } from "react-i18next";

import { EventTimeline } from "@/components/EventTimeline";

import { fetchResourceEvents } from "../api/getStage";

/** What happened to a stage resource: each decision of its autoscaler is told here (AS-L02). */
export function ResourceHistory({ resourceId }: { resourceId: string }) {
  const { t } = useTranslation("endpoints");
  const [isOpen, history] = useDisclosure();
  return (
    <div>
      <UnstyledButton onClick={history.toggle} aria-expanded={isOpen}><Text size="sm" c="var(--mantine-color-anchor)">{t(isOpen ? "hideHistory" : "showHistory")}</Text></UnstyledButton>
      {isOpen && <Box mt="sm"><EventTimeline kind="endpoint-model" id={resourceId} fetch={() => fetchResourceEvents(resourceId)} /></Box>}
    </div>
  );
}
