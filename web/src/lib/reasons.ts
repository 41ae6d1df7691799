/** Why something waits or failed: what kind of reason in the reader's language, and what exactly in the daemon's words. */
import i18next from "i18next";

import en from "@/locales/en/reasons";

import { statusName } from "./statuses";

export interface Cause {
  /** Null of what has words and no code. */
  code: string | null;
  message: string;
}

const isKnown = (code: string): code is keyof typeof en => Object.hasOwn(en, code);

/** The reason's name; one that is newer than this page is shown as it is. */
export const reasonName = (code: string): string => isKnown(code) ? i18next.t(code, { ns: "reasons" }) : statusName(code);

/** What the daemon says, in English; after the reason's name where another language is read. */
export const reasonText = ({ code, message }: Cause): string => code === null || i18next.language === "en" ? message : `${reasonName(code)}: ${message}`;
