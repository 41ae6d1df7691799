import { Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { accessQuery, placeOf, useChangeAccess } from "@/lib/storage";

import { notifyError } from "../ActionButton";

/** Says so where jobs may not use a container as they will have to, and grants exactly that (OS-11, OS-L02). */
export function ContainerGrant({ uri, needs }: { uri: string; needs: "read" | "write" }) {
  const { t } = useTranslation("storage");
  const place = placeOf(uri);
  const container = place?.kind === "obs" ? place.root : null;
  const { data } = useQuery({ ...accessQuery(), enabled: container !== null });
  const grant = useChangeAccess();
  const access = data?.containerAccessList.find((each) => each.containerName === container);
  if (data === undefined || access === undefined || (needs === "read" ? access.isReadable : access.isWritable)) return null;
  const words = { account: data.systemAccount, container: access.containerName };
  return (
    <Group gap="xs" mt={4}>
      <Text size="xs" c="orange">{needs === "read" ? t("missingRead", words) : t("missingWrite", words)}</Text>
      <Button size="compact-xs" variant="light" loading={grant.isPending} onClick={() => {
        grant.mutate({ container: access.containerName, [needs]: true }, { onError: (error) => { notifyError(t("grantFailed"), error); } });
      }}>
        {needs === "read" ? t("grantRead") : t("grantWrite")}
      </Button>
    </Group>
  );
}
