/** The page's languages. English comes with the page, the others when somebody asks for them. */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import en from "@/locales/en";

import { loadAgain } from "./loading";

export const LANGUAGES = { en: "English", ja: "日本語", ko: "한국어" } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = "language";
const others: Record<Exclude<Language, "en">, () => Promise<{ default: object }>> = {
  ja: () => import("@/locales/ja"),
  ko: () => import("@/locales/ko"),
};

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "common";
    resources: typeof en;
  }
}

function preferred(): Language {
  const wanted = [localStorage.getItem(KEY), ...navigator.languages].map((name) => name?.slice(0, 2));
  return (wanted.find((name) => name !== undefined && name in LANGUAGES) as Language | undefined) ?? "en";
}

/** Changes the language of the page, and remembers it; throws if its texts cannot be loaded. */
export async function changeLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEY, language);
  if (language !== "en" && !i18next.hasResourceBundle(language, "common")) {
    const texts = await others[language]().catch((error: unknown) => {
      if (!loadAgain()) throw error;
      return { default: {} };
    });
    for (const [namespace, bundle] of Object.entries(texts.default)) i18next.addResourceBundle(language, namespace, bundle);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

/** Prepares texts in the language that this browser prefers. */
export async function startTexts(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: "en",
    fallbackLng: "en",
    resources: { en },
    ns: Object.keys(en),
    defaultNS: "common",
    interpolation: { escapeValue: false },
  });
  const language = preferred();
  // Rather a page in English than none.
  if (language !== "en") await changeLanguage(language).catch((error: unknown) => { console.error(error); });
}
