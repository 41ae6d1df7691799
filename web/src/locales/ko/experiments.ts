import type en from "@/locales/en/experiments";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
