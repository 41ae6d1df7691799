import { Paper, SimpleGrid, Text, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { ServiceUsageView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

/** How much of what there is: what is COMPLETE, and what is ACTIVE (DB-03…DB-06). */
export function Usage({ usage }: { usage: ServiceUsageView | undefined }) {
  const { t } = useTranslation("dashboard");
  const figures = [
    { label: t("trainings", { ns: "shell" }), status: "COMPLETE", count: usage?.trainingCount, to: `${paths.trainings.list}?status=COMPLETE` },
    { label: t("tunings", { ns: "shell" }), status: "COMPLETE", count: usage?.hyperparameterTuningCount, to: `${paths.tunings.list}?status=COMPLETE` },
    { label: t("endpoints", { ns: "shell" }), status: "ACTIVE", count: usage?.endpointCount, to: `${paths.endpoints.list}?status=ACTIVE` },
  ];
  return (
    <SimpleGrid cols={3} spacing="sm" component="section" aria-label={t("usage")}>
      {figures.map(({ label, status, count, to }) => (
        <Paper withBorder p="xs" key={label}>
          <UnstyledButton component={Link} to={to} w="100%">
            <Text size="xs" c="dimmed" truncate title={label}>{label}</Text>
            <Text size="xl" fw={650} lh={1.2}>{count ?? "–"} <Text span size="xs" c="dimmed" fw={400}>{status}</Text></Text>
          </UnstyledButton>
        </Paper>
      ))}
    </SimpleGrid>
  );
}
