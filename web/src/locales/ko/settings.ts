import type en from "@/locales/en/settings";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
