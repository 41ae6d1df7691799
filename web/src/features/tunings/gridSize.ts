/** How many combinations a grid has (HP-L03), counted as the daemon counts: exactly, so that 0.01 to 0.05 by 0.01 are five. */
import type { HyperparameterSpec } from "@/lib/api/generated/types.gen";

import { isRange } from "./tuningForm";

interface Decimal {
  digits: bigint;
  exponent: number;
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

function decimal(text: string): Decimal | null {
  const parts = NUMBER.exec(text.trim());
  if (parts === null) return null;
  const [, sign = "", whole = "", part = "", exponent = "0"] = parts;
  if (whole === "" && part === "") return null;
  return { digits: BigInt(`${sign === "-" ? "-" : ""}${whole}${part}`), exponent: Number(exponent) - part.length };
}

const scaled = ({ digits, exponent }: Decimal, to: number): bigint => digits * 10n ** BigInt(exponent - to);

/** The values of a comma-separated list, each once. */
export const specifiedValues = (text: string | null | undefined): string[] =>
  [...new Set((text ?? "").split(",").map((part) => part.trim()).filter((part) => part !== ""))];

/** How many values one hyperparameter has on a grid; null: not all of it has been filled in. */
export function valueCount(spec: HyperparameterSpec): bigint | null {
  if (!isRange(spec)) {
    const count = specifiedValues(spec.hyperparameterSpecifiedValues).length;
    return count === 0 ? null : BigInt(count);
  }
  const [low, high, step] = [spec.hyperparameterMinValue, spec.hyperparameterMaxValue, spec.hyperparameterStep].map((text) => decimal(text ?? ""));
  if (low == null || high == null || step == null || step.digits <= 0n) return null;
  const exponent = Math.min(low.exponent, high.exponent, step.exponent);
  const width = scaled(high, exponent) - scaled(low, exponent);
  return width < 0n ? null : width / scaled(step, exponent) + 1n;
}

/** The combinations of all; null while one of them is not filled in. */
export function gridSize(specs: readonly HyperparameterSpec[]): bigint | null {
  const counts = specs.map(valueCount);
  if (counts.length === 0 || counts.includes(null)) return null;
  return counts.reduce<bigint>((product, count) => product * (count ?? 1n), 1n);
}
