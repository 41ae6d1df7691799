import { Button, List } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { EmptyState } from "@/components/EmptyState";
import { paths } from "@/lib/paths";

const CLI = `easymaker-local storage mb demo
easymaker-local storage put train.py demo/iris/train.py
easymaker-local training run --name first --experiment demo --image "Ubuntu 22.04 CPU PyTorch Training" \\
    --flavor m2.c1m2 --source demo/iris --entry-point train.py --model-output demo/models/first`;
const SDK = `import easymaker

easymaker.init(appkey="local", profile="local")
experiment = easymaker.Experiment().create(experiment_name="first")`;

/** What to do while there is nothing: from data to an endpoint. */
export function FirstSteps() {
  const { t } = useTranslation("dashboard");
  const steps = [
    { label: t("stepStorage"), to: paths.storage(), action: t("storage", { ns: "shell" }) },
    { label: t("stepTraining"), to: paths.trainings.create, action: t("createTraining", { ns: "shell" }) },
    { label: t("stepModel"), to: paths.models.create, action: t("createModel", { ns: "shell" }) },
    { label: t("stepEndpoint"), to: paths.endpoints.create, action: t("createEndpoint", { ns: "shell" }) },
  ];
  return (
    <EmptyState
      title={t("firstSteps")} text={t("firstStepsText")} cli={CLI} sdk={SDK}
      action={(
        <List type="ordered" spacing="xs" size="sm">
          {steps.map(({ label, to, action }) => (
            <List.Item key={to}>{label} <Button component={Link} to={to} size="compact-xs" variant="light">{action}</Button></List.Item>
          ))}
        </List>
      )}
    />
  );
}
