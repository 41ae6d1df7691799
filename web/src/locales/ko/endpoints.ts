import type en from "@/locales/en/endpoints";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
