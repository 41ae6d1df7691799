import { mebibytes } from "@/lib/format";

const MIB: Partial<Record<string, number>> = { Mi: 1, Gi: 1024, Ti: 1024 ** 2 };

/** "1.8 GiB" of `1792Mi`, as the API writes amounts of memory; what is written otherwise stays. */
export function memoryText(quantity: string): string {
  const [, number, unit] = /^([\d.]+)(Mi|Gi|Ti)$/.exec(quantity) ?? [];
  const factor = unit === undefined ? undefined : MIB[unit];
  return number === undefined || factor === undefined ? quantity : mebibytes(Number(number) * factor);
}
