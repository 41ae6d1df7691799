import { Alert, List, Select, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { payload, PROJECT } from "@/lib/api/client";
import { listTrainingTemplates, loadTrainingTemplate } from "@/lib/api/generated/sdk.gen";
import type { TemplateUse, UnresolvedField } from "@/lib/api/generated/types.gen";

import { ErrorView } from "../ErrorView";

const ROWS = 50;
const TYPING_MS = 200;

/** The part of a creation body that a template supplies, and what of it leads nowhere here (TT-L01). */
export interface LoadedTemplate {
  values: Record<string, unknown>;
  unresolved: readonly UnresolvedField[];
}

/** Reads a template's values for a form. */
export async function loadTemplate(id: string, use: TemplateUse): Promise<LoadedTemplate> {
  const answer = await payload(loadTrainingTemplate({ path: { ...PROJECT, training_template_id: id }, query: { for: use } }));
  return { values: answer.values, unresolved: answer.unresolvedFieldList };
}

/** Fills a form from a template (TR-02, TT-01); `onLoad` gets the values. `initial`: what it was filled from already. */
export function TemplateSelect({ use, onLoad, initial }: {
  use: TemplateUse;
  onLoad: (values: Record<string, unknown>) => void;
  initial?: { id: string; loaded: LoadedTemplate } | null;
}) {
  const { t } = useTranslation("job");
  const [typed, setTyped] = useState("");
  const [keyword] = useDebouncedValue(typed, TYPING_MS);
  const { data: templates = [] } = useQuery({
    queryKey: ["training-template", "list", { keyword, choice: true }], placeholderData: keepPreviousData,
    queryFn: async () => (await payload(listTrainingTemplates({ path: PROJECT, query: { keyword: keyword || undefined, limit: ROWS } }))).trainingTemplateList,
  });
  const { mutate, data, variables, error } = useMutation({
    mutationFn: (id: string) => loadTemplate(id, use), onSuccess: (loaded) => { onLoad(loaded.values); },
  });
  const used = data !== undefined && variables !== undefined ? { id: variables, loaded: data } : (initial ?? null);
  const name = templates.find((each) => each.trainingTemplateId === used?.id)?.trainingTemplateName;
  return (
    <Stack gap="xs">
      <Select
        label={t("template")} placeholder={t("templateChoose")} nothingFoundMessage={t("templateNone")} searchable value={used?.id ?? null}
        onSearchChange={setTyped} filter={({ options }) => options} onChange={(id) => { if (id !== null) mutate(id); }} allowDeselect={false}
        data={templates.map((each) => ({ value: each.trainingTemplateId, label: each.trainingTemplateName, disabled: each.problem != null }))}
        description={used !== null && name !== undefined ? t("templateUsed", { name }) : undefined}
      />
      {error !== null && <ErrorView error={error} />}
      {used !== null && used.loaded.unresolved.length > 0 && (
        <Alert color="orange" title={t("templateUnresolved")}>
          <List size="sm">{used.loaded.unresolved.map((fault) => <List.Item key={fault.field}><Text size="sm" span>{fault.message}</Text></List.Item>)}</List>
        </Alert>
      )}
    </Stack>
  );
}
