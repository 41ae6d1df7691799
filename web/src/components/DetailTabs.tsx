import { Tabs, Tooltip } from "@mantine/core";
import { Suspense, type ReactNode } from "react";
import { useSearchParams } from "react-router";

import classes from "./DetailTabs.module.css";
import { Pending } from "./Pending";

export interface DetailTab {
  key: string;
  label: string;
  content: ReactNode;
  /** Why it cannot be opened now. */
  refusal?: string | null;
}

/** The tabs of a resource, kept in the address; only the one that is open is drawn. */
export function DetailTabs({ tabs }: { tabs: readonly DetailTab[] }) {
  const [params, setParams] = useSearchParams();
  const open = tabs.find((tab) => tab.key === params.get("tab") && tab.refusal == null) ?? tabs[0];
  return (
    <Tabs
      value={open?.key ?? null} keepMounted={false} classNames={{ tab: classes.tab }}
      onChange={(key) => { if (key !== null) setParams({ tab: key }, { replace: true }); }}
    >
      <Tabs.List mb="md">
        {tabs.map(({ key, label, refusal }) => refusal == null
          ? <Tabs.Tab value={key} key={key}>{label}</Tabs.Tab>
          : <Tooltip label={refusal} key={key}><Tabs.Tab value={key} aria-disabled data-disabled>{label}</Tabs.Tab></Tooltip>)}
      </Tabs.List>
      {tabs.map(({ key, content }) => <Tabs.Panel value={key} key={key}><Suspense fallback={<Pending />}>{content}</Suspense></Tabs.Panel>)}
    </Tabs>
  );
}
