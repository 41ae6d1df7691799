import type en from "@/locales/en/disk";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
