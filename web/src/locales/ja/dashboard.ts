import type en from "@/locales/en/dashboard";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
