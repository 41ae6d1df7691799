import { NumberInput, Select, SimpleGrid, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { FormSection } from "@/components/CreationForm";

import type { TuningFormState } from "../../tuningForm";

const MAXIMUM_PARALLEL = 10;

/** How to search and when to end: strategy, numbers of trials, early stopping (HP-05, HP-06, HP-22, HP-31…HP-35). */
export function SearchFields({ form, nodes, setParallel }: { form: TuningFormState; nodes: number; setParallel: (count: number) => void }) {
  const { t } = useTranslation("tunings");
  const { tuningStrategyName, earlyStoppingAlgorithm, parallelTrialCount = 1, tuningStrategyRandomState, maxTrialCount } = form.getValues();
  const isRepeatable = tuningStrategyName === "GRID" || parallelTrialCount === 1;
  const hasNumber = typeof tuningStrategyRandomState === "number";
  return (
    <FormSection title={t("search")}>
      <Select
        label={t("strategy")} required allowDeselect={false} description={tuningStrategyName == null ? undefined : t(`strategy_${tuningStrategyName}`)}
        data={["BAYESIAN_OPTIMIZATION", "RANDOM", "GRID"]} {...form.getInputProps("tuningStrategyName")}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <NumberInput label={t("maxTrials")} description={t("maxTrialsHint")} min={1} allowDecimal={false} {...form.getInputProps("maxTrialCount")} value={maxTrialCount ?? ""} />
        <NumberInput
          label={t("parallel")} description={t("parallelHint")} required min={1} max={Math.floor(MAXIMUM_PARALLEL / nodes)} allowDecimal={false}
          {...form.getInputProps("parallelTrialCount")} onChange={(count) => { if (typeof count === "number") setParallel(count); }}
        />
        <NumberInput label={t("maxFailed")} description={t("maxFailedHint")} min={1} allowDecimal={false} {...form.getInputProps("maxFailedTrialCount")} value={form.getValues().maxFailedTrialCount ?? ""} />
        <NumberInput label={t("randomState")} description={t("randomStateHint")} allowDecimal={false} {...form.getInputProps("tuningStrategyRandomState")} value={tuningStrategyRandomState ?? ""} />
      </SimpleGrid>
      {hasNumber && !isRepeatable && <Text size="sm" c="dimmed">{t("notRepeatable")}</Text>}
      <Select
        label={t("earlyStopping")} description={t("earlyStoppingHint")} clearable placeholder={t("none", { ns: "common" })} data={[{ value: "MEDIAN", label: "MEDIAN" }]}
        {...form.getInputProps("earlyStoppingAlgorithm")}
      />
      {earlyStoppingAlgorithm != null && (
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          <NumberInput label={t("minTrials")} description={t("minTrialsHint")} min={1} allowDecimal={false} {...form.getInputProps("earlyStoppingMinTrialCount")} />
          <NumberInput label={t("startStep")} description={t("startStepHint")} min={1} allowDecimal={false} {...form.getInputProps("earlyStoppingStartStep")} />
        </SimpleGrid>
      )}
    </FormSection>
  );
}
