import type en from "@/locales/en/trainings";
import type { Translation } from "@/locales/translation";

export default {} satisfies Translation<typeof en>;
