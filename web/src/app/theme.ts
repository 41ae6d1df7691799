import { createTheme, type CSSVariablesResolver } from "@mantine/core";

/** How everything looks; `close` is the name of the button that closes a dialogue, in somebody's language. */
export const themeOf = (close: string) => createTheme({
  primaryColor: "blue",
  // From this shade on, white letters on a colour and coloured letters on white can be read (4.5 : 1).
  primaryShade: 8,
  defaultRadius: "sm",
  fontFamily: 'system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK KR", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "DejaVu Sans Mono", Menlo, monospace',
  respectReducedMotion: true,
  autoContrast: true,
  components: {
    ModalCloseButton: { defaultProps: { "aria-label": close } },
    DrawerCloseButton: { defaultProps: { "aria-label": close } },
    // What can be chosen is drawn when somebody looks at it: a page of many fields is there sooner.
    Combobox: { defaultProps: { keepMounted: false } },
  },
});

/** Colours that are too faint as they come. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--focus-ring": "var(--mantine-color-blue-8)",
    "--mantine-color-anchor": "var(--mantine-color-blue-9)",
    "--mantine-color-dimmed": "var(--mantine-color-gray-7)",
    "--mantine-color-placeholder": "var(--mantine-color-gray-7)",
    "--mantine-color-error": "var(--mantine-color-red-9)",
    "--mantine-color-teal-light": "var(--mantine-color-teal-0)",
  },
  dark: {
    "--focus-ring": "var(--mantine-color-blue-4)",
    "--mantine-color-dimmed": "var(--mantine-color-dark-1)",
    "--mantine-color-placeholder": "var(--mantine-color-dark-1)",
    "--mantine-color-error": "var(--mantine-color-red-4)",
  },
});
