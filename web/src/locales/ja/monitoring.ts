import type en from "@/locales/en/monitoring";
import type { Translation } from "@/locales/translation";

export default {
  noData: "まだ測定値がありません。",
} satisfies Translation<typeof en>;
