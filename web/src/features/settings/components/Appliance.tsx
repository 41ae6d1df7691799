import { useTranslation } from "react-i18next";

import { CopyText } from "@/components/CopyText";
import { Facts } from "@/components/Facts";
import { Panel } from "@/components/Panel";
import { Ago } from "@/components/Time";
import type { SystemView } from "@/lib/api/generated/types.gen";
import { mebibytes, vcpus } from "@/lib/format";

/** What the appliance is: version, driver, addresses, places, capacity, and the account that jobs use storage as (OS-09). */
export function Appliance({ system }: { system: SystemView }) {
  const { t } = useTranslation("settings");
  return (
    <Panel title={t("appliance")}>
      <Facts facts={[
        [t("version"), system.version],
        [t("driver"), system.driver === "process" ? t("driverProcess") : system.driver === "docker" ? t("driverDocker") : system.driver],
        [t("started"), <Ago at={system.startedDatetime} key="started" />],
        [t("api"), <CopyText text={system.apiUrl} key="api" />],
        [t("gateway"), system.gatewayUrl === null ? t("none", { ns: "common" }) : <CopyText text={system.gatewayUrl} key="gateway" />],
        [t("process"), `pid ${String(system.pid)}`],
        [t("home"), <CopyText text={system.home} key="home" />],
        [t("configFile"), <CopyText text={system.configFile} key="config" />],
        [t("capacity"), `${vcpus(system.vcpus)}, ${mebibytes(system.memoryMib)}`],
        [t("tenant"), <CopyText text={system.tenantId} key="tenant" />],
        [t("user"), <CopyText text={system.userId} key="user" />],
        [t("running"), t("runningText", { trainings: system.unfinishedTrainings, endpoints: system.endpointCount, servers: system.modelServerCount })],
      ]} />
    </Panel>
  );
}
