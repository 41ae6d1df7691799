/** Links in plain elements, for where there are very many. */
import { useCallback, type MouseEvent } from "react";
import { useNavigate } from "react-router";

/**
 * What an element does when somebody clicks a plain link within it: the router goes there, and nothing is loaded anew.
 *
 * A `Link` of the router does the same for itself, and is drawn anew wherever somebody goes.
 */
export function useFollow(): (event: MouseEvent) => void {
  const navigate = useNavigate();
  return useCallback((event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[href]") : null;
    // Another window, a file, another site, or somebody else's: the browser's own way.
    if (link === null || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.target !== "" || link.hasAttribute("download") || link.origin !== window.location.origin) return;
    event.preventDefault();
    void navigate(link.getAttribute("href") ?? "");
  }, [navigate]);
}
