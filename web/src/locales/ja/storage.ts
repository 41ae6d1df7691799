import type en from "@/locales/en/storage";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
