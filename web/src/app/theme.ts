import { createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "blue",
  defaultRadius: "sm",
  fontFamily: 'system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK KR", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "DejaVu Sans Mono", Menlo, monospace',
  respectReducedMotion: true,
  autoContrast: true,
});
