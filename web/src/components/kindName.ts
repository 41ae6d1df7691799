import { useTranslation } from "react-i18next";

import { KINDS, kindOf, type Kind } from "@/lib/kinds";

/** Returns what says a kind in the page's language; one that is newer than this page is said as it came. */
export function useKindName(): (word: string) => string {
  const { t } = useTranslation("shell");
  return (word) => {
    const kind = kindOf(word);
    return (KINDS as readonly string[]).includes(kind) && kind !== "queue" ? t(`kind.${kind as Exclude<Kind, "queue">}`) : kind;
  };
}
