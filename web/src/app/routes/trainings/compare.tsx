import { Alert, Button } from "@mantine/core";
import { IconExternalLink, IconInfoCircle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";

import { ActionButton, notifyError } from "@/components/ActionButton";
import { EmptyState } from "@/components/EmptyState";
import { ErrorView } from "@/components/ErrorView";
import { PageHeader } from "@/components/PageHeader";
import { Pending } from "@/components/Pending";
import { useTrainingsOf } from "@/features/trainings/api/getTraining";
import { Comparison } from "@/features/trainings/components/Comparison";
import { compareRefusal, tensorboardRefusal } from "@/features/trainings/rules";
import { ApiError } from "@/lib/api/client";
import { paths } from "@/lib/paths";
import { openTensorboard } from "@/lib/webLogin";

/** `?id=<training>&id=<training>…`: the trainings that are compared. */
export default function CompareTrainingsPage() {
  const { t } = useTranslation(["trainings", "shell"]);
  const [params] = useSearchParams();
  const ids = [...new Set(params.getAll("id"))];
  return compareRefusal(ids.length, t) === null ? <Compared ids={ids} key={ids.join()} /> : <NotComparable />;
}

function Compared({ ids }: { ids: readonly string[] }) {
  const { t } = useTranslation(["trainings", "shell"]);
  const { trainings, errors, isPending } = useTrainingsOf(ids);
  const fault = errors.find((error) => !(error instanceof ApiError && error.status === 404));
  if (fault !== undefined) return <><Head /><ErrorView error={fault} /></>;
  if (isPending) return <><Head /><Pending /></>;
  if (compareRefusal(trainings.length, t) !== null) return <NotComparable gone={errors.length} />;
  const experiment = trainings[0]?.experiment?.experimentId ?? "";
  const open = (): void => { openTensorboard("experiment", experiment).catch((error: unknown) => { notifyError(t("notOpened"), error as Error); }); };
  return (
    <>
      <Head actions={<ActionButton refusal={tensorboardRefusal(trainings, t)} rightSection={<IconExternalLink size={14} />} onClick={open}>TensorBoard</ActionButton>} />
      {errors.length > 0 && <Alert color="gray" icon={<IconInfoCircle />} mb="md">{t("compareGone", { count: errors.length })}</Alert>}
      <Comparison trainings={trainings} />
    </>
  );
}

function Head({ actions }: { actions?: React.ReactNode }) {
  const { t } = useTranslation(["trainings", "shell"]);
  return <PageHeader title={t("compareTitle")} trail={[{ label: t("trainings", { ns: "shell" }), to: paths.trainings.list }]} actions={actions} />;
}

/** Too few or too many; `gone`: so many of those in the address are not there. */
function NotComparable({ gone = 0 }: { gone?: number }) {
  const { t } = useTranslation(["trainings", "shell"]);
  const [params] = useSearchParams();
  const count = new Set(params.getAll("id")).size - gone;
  return (
    <>
      <Head />
      <EmptyState
        title={t("compareNothing")} text={[...(gone > 0 ? [t("compareGone", { count: gone })] : []), compareRefusal(count, t), t("compareHow")].join(" ")}
        action={<Button size="xs" component={Link} to={paths.trainings.list}>{t("trainings", { ns: "shell" })}</Button>}
      />
    </>
  );
}
