/** Numbers as people read them. */
const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** "20.5 GiB" of bytes, in powers of 1024. */
export function bytes(value: number): string {
  let [size, unit] = [value, 0];
  while (Math.abs(size) >= 1024 && unit < BYTES.length - 1) [size, unit] = [size / 1024, unit + 1];
  return `${unit === 0 || size >= 100 ? size.toFixed(0) : size.toFixed(1)} ${BYTES[unit] ?? ""}`;
}

/** "20.5 GiB" of MiB. */
export const mebibytes = (value: number): string => bytes(value * 1024 * 1024);

/** A number with at most four significant digits, as metrics are shown in tables. */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(3) : String(Number(value.toPrecision(4)));
}

/** "0.25 vCPU"; what is less than a thousandth to the fourth decimal, as it has no exponent. */
export const vcpus = (value: number): string => `${value < 1e-3 ? String(Number(value.toFixed(4))) : compact(value)} vCPU`;

export const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** "4.0 / 22.5 GiB" of MiB: the unit once where both have the same. */
export function mebibytesOf(part: number, total: number): string {
  const [size, unit] = mebibytes(part).split(" ");
  const whole = mebibytes(total);
  return whole.endsWith(` ${unit ?? ""}`) ? `${size ?? ""} / ${whole}` : `${mebibytes(part)} / ${whole}`;
}
