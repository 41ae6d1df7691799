/** Frameworks by their names (MD-04), and what their artifacts look like. */
import type { ModelFormat } from "@/lib/api/generated/types.gen";

export const FORMATS: Record<ModelFormat, string> = {
  TENSORFLOW: "TensorFlow",
  PYTORCH: "PyTorch",
  SKLEARN: "scikit-learn",
  HUGGING_FACE: "Hugging Face",
  PYTHON: "Python",
};

/** A framework's name; one that is newer than this page is shown by its code. */
export const formatName = (code: string | null): string => (code === null ? "–" : (FORMATS as Partial<Record<string, string>>)[code] ?? code);
