import { Anchor, Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { paths } from "@/lib/paths";

import { useActiveModels, useModelChoice } from "../api/choices";

const TYPING_MS = 200;

/** An ACTIVE model (SR-01); where there is none, one has to be created first. */
export function ModelSelect({ value, onChange, error }: { value: string; onChange: (id: string) => void; error: ReactNode }) {
  const { t } = useTranslation("endpoints");
  const [text, setText] = useState("");
  const [typed] = useDebouncedValue(text, TYPING_MS);
  const { data: chosen } = useModelChoice(value);
  const keyword = typed === chosen?.modelName ? "" : typed;
  const { data: models = [], isPending } = useActiveModels(keyword);
  const known = chosen === undefined || models.some((model) => model.modelId === chosen.modelId) ? models : [chosen, ...models];
  const isNone = !isPending && keyword === "" && models.length === 0;
  return (
    <Select
      label={t("model")} required searchable flex={1} miw={220} nothingFoundMessage={t("noModel")} value={value || null} error={error}
      description={isNone ? <>{t("noActiveModel")} <Anchor component={Link} to={paths.models.create} size="xs">{t("createModel")}</Anchor></> : undefined}
      data={known.map((model) => ({ value: model.modelId, label: model.modelName }))} filter={({ options }) => options}
      searchValue={text} onSearchChange={setText} onChange={(id) => { onChange(id ?? ""); }}
    />
  );
}
