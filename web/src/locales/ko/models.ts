import type en from "@/locales/en/models";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
