import { MantineProvider } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { cssVariables, themeOf } from "./theme";

// The daemon gives each answer a number of its own, and styles without it are refused.
const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content;
// The styles that dialogues add while they are open look for it under this name.
Object.assign(globalThis, { __webpack_nonce__: nonce });

/** What every page needs around it. `env="test"`: without transitions, and without what is hidden by the width of a window. */
export function Providers({ client, env = "default", children }: { client: QueryClient; env?: "default" | "test"; children: ReactNode }) {
  const { t } = useTranslation();
  const close = t("close");
  const theme = useMemo(() => themeOf(close), [close]);
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto" getStyleNonce={() => nonce ?? ""} env={env} withGlobalClasses={env === "default"}>
      <QueryClientProvider client={client}>
        <ModalsProvider>
          <Notifications position="bottom-right" />
          {children}
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
