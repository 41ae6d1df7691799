import { useLocalStorage } from "@mantine/hooks";

/** How charts of metrics are drawn; this browser remembers it, for all of them. */
export interface MetricLook {
  /** See `smoothed`; 0: as the values are. */
  smoothing: number;
  isLogarithmic: boolean;
}

export const useMetricLook = () =>
  useLocalStorage<MetricLook>({ key: "metric-look", defaultValue: { smoothing: 0, isLogarithmic: false }, getInitialValueInEffect: false });
