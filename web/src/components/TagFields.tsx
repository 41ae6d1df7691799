import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Tag } from "@/lib/api/generated/types.gen";

import { KeyValues } from "./KeyValues";

const MAXIMUM_TAGS = 10;

/** The tags of a resource (GN-03, GN-04). `errorOf` is asked by the API's paths, as `tagList.0.tagKey`. */
export function TagFields({ tags, onChange, errorOf }: {
  tags: readonly Tag[];
  onChange: (tags: Tag[]) => void;
  errorOf: (path: string) => ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <KeyValues
      label={t("tags")} rows={tags} onChange={onChange} names={["tagKey", "tagValue"]} maximum={MAXIMUM_TAGS} keyLabel={t("key")} valueLabel={t("value")} addLabel={t("addTag")}
      errorOf={(index, part) => errorOf(index === undefined ? "tagList" : `tagList.${String(index)}.${part ?? ""}`)}
    />
  );
}
