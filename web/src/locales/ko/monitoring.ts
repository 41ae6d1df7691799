import type en from "@/locales/en/monitoring";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
