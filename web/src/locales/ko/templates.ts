import type en from "@/locales/en/templates";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
