import type en from "@/locales/en/tunings";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
