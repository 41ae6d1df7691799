/** How far back from now a search looks; two moments are written in the query. */
export const BACK = { "15m": 900, "1h": 3600, "24h": 86_400, "7d": 604_800 } as const;
export type Back = keyof typeof BACK;

export const isBack = (text: string | null): text is Back => text !== null && text in BACK;

/** The moment that lies so far back. */
export const beginOf = (back: Back, now: number): string => new Date(now - BACK[back] * 1000).toISOString();
