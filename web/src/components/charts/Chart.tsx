import { Box, Skeleton, Text } from "@mantine/core";
import { lazy, Suspense } from "react";

import type { CanvasProps } from "./Canvas";

const Canvas = lazy(() => import("./Canvas"));

export interface ChartFrame {
  title: string;
  group?: string;
  height?: number;
}

/** A chart with its title. `words`: what it shows, for those who do not see it; `note`: shown instead while there is nothing to draw. */
export function Chart({ title, words, note, height = 220, width = 0, ...canvas }: Omit<CanvasProps, "height"> & ChartFrame & {
  words: string;
  note?: string | null;
  /** Pixels that it needs; where there are fewer it is scrolled. */
  width?: number;
}) {
  return (
    <Box component="figure" m={0} miw={0}>
      <Text component="figcaption" size="sm" fw={600} mb={4}>{title}</Text>
      {note != null ? (
        <Box h={height} display="flex" style={{ alignItems: "center", justifyContent: "center" }}>
          <Text size="sm" c="dimmed" ta="center" maw={420}>{note}</Text>
        </Box>
      ) : (
        <Box style={width > 0 ? { overflowX: "auto" } : undefined} tabIndex={width > 0 ? 0 : undefined}>
          <Box role="img" aria-label={`${title}. ${words}`} miw={width}>
            <Suspense fallback={<Skeleton height={height} />}><Canvas height={height} {...canvas} /></Suspense>
          </Box>
        </Box>
      )}
    </Box>
  );
}
