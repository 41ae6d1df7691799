import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { payload, PROJECT } from "@/lib/api/client";
import { checkMetrics } from "@/lib/api/generated/sdk.gen";

/** What a metric format finds in lines of a log (HP-L04), the default one if it is empty. Nothing is kept. */
export const useMetricCheck = (regex: string, names: readonly string[], log: string) =>
  useQuery({
    queryKey: ["hyperparameter-tuning", "metric-check", { regex, names, log }],
    queryFn: async () => (await payload(checkMetrics({ path: PROJECT, body: { metricRegex: regex === "" ? undefined : regex, metricList: names.map((name) => ({ name })), log } }))).metricCheck,
    enabled: log.trim() !== "", placeholderData: keepPreviousData, gcTime: 0,
  });
