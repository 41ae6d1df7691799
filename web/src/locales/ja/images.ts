import type en from "@/locales/en/images";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
