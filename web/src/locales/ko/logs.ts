import type en from "@/locales/en/logs";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
