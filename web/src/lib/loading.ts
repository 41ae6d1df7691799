/** Files of the page that cannot be loaded: what a browser failed to load once it does not ask for again in this document. */

declare global {
  interface Window {
    /** Loads the page anew, soon; false: that was tried a few times already. The document brings it; tests' have none. */
    loadAgain?: () => boolean;
  }
}

const failures = new WeakSet<Error>();
window.addEventListener("vite:preloadError", ({ payload }) => { failures.add(payload); });

/** True for the failure of an import, be it the network's or a newer daemon's, which has other files. */
export const isLoadFailure = (error: unknown): boolean => error instanceof Error && failures.has(error);

/** Loads the page anew; false: somebody has to be told. */
export const loadAgain = (): boolean => window.loadAgain?.() ?? false;
