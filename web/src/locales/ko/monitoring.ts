import type en from "@/locales/en/monitoring";
import type { Translation } from "@/locales/translation";

export default {
  noData: "아직 측정값이 없습니다.",
} satisfies Translation<typeof en>;
