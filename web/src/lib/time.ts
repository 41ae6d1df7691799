/** Times in the user's zone and language; spans in words that fit a column. */
const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1],
];

const AHEAD_SECONDS = 5;

// To make one takes a hundred times as long as to use it.
const relative = new Map<string, Intl.RelativeTimeFormat>();
const exact = new Map<string, Intl.DateTimeFormat>();

/** What `made` holds for a language, made at first. */
function formatOf<T>(made: Map<string, T>, language: string, make: () => T): T {
  const known = made.get(language);
  if (known !== undefined) return known;
  const now = make();
  made.set(language, now);
  return now;
}

/** "3 minutes ago" of an ISO time, to the largest unit that fits. */
export function ago(iso: string, now: number, language: string): string {
  const difference = Math.round((Date.parse(iso) - now) / 1000);
  // What has just happened may be ahead of a clock that ticks once a second.
  const seconds = difference > 0 && difference < AHEAD_SECONDS ? 0 : difference;
  const [unit, length] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
  return formatOf(relative, language, () => new Intl.RelativeTimeFormat(language, { numeric: "auto" })).format(Math.trunc(seconds / length), unit);
}

/** The exact time in the user's zone, which it names. */
export function exactTime(iso: string, language: string): string {
  return formatOf(exact, language, () => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long" })).format(new Date(iso));
}

/** "1h 02m", "4m 05s", "7s" of seconds. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  if (days > 0) return `${String(days)}d ${two(hours)}h`;
  if (hours > 0) return `${String(hours)}h ${two(minutes)}m`;
  if (minutes > 0) return `${String(minutes)}m ${two(whole % 60)}s`;
  return `${String(whole)}s`;
}
