import type en from "@/locales/en/queue";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
