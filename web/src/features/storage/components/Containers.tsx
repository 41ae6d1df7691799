import { ActionIcon, Anchor, Switch, Table, Text } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import { notifyError } from "@/components/ActionButton";
import { CopyIcon, CopyText } from "@/components/CopyText";
import { EmptyState } from "@/components/EmptyState";
import { ErrorView } from "@/components/ErrorView";
import { paths } from "@/lib/paths";
import { accessQuery, rootsQuery, uriOf, useChangeAccess, type AccessChange } from "@/lib/storage";

import { useDeletion } from "../useDeletion";
import { CreateContainer } from "./CreateContainer";
import { UsageCells } from "./UsageCells";

/** Every container, and what the system account may do in it (OS-L01). */
export function Containers() {
  const { t } = useTranslation("storage");
  const { data, error, refetch } = useQuery(accessQuery());
  const nas = useQuery(rootsQuery()).data?.filter(({ kind }) => kind === "nas") ?? [];
  const change = useChangeAccess();
  const remove = useDeletion();
  if (error) return <ErrorView error={error} retry={() => { void refetch(); }} />;
  if (data === undefined) return <Text c="dimmed">{t("loading", { ns: "common" })}</Text>;
  if (data.containerAccessList.length === 0) {
    return <EmptyState title={t("emptyTitle")} text={t("emptyText")} action={<CreateContainer />} cli={"easymaker-local storage mb demo\neasymaker-local storage put iris.csv demo/iris/iris.csv"} />;
  }
  const allow = (wanted: AccessChange): void => { change.mutate(wanted, { onError: (refusal) => { notifyError(t("grantFailed"), refusal); } }); };
  return (
    <>
      <Text size="sm" c="dimmed" mb="xs">{t("accountText")} <CopyText text={data.systemAccount} /></Text>
      <Text size="sm" c="dimmed" mb="md">{t("accountDuty")}</Text>
      <Table.ScrollContainer type="native" minWidth={640}>
        <Table highlightOnHover verticalSpacing={6}>
          <Table.Thead>
            <Table.Tr><Table.Th>{t("container")}</Table.Th><Table.Th ta="right">{t("objects")}</Table.Th><Table.Th ta="right">{t("size")}</Table.Th><Table.Th>{t("read")}</Table.Th><Table.Th>{t("write")}</Table.Th><Table.Th w={90} aria-label={t("actions", { ns: "common" })} /></Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.containerAccessList.map(({ containerName: container, isReadable, isWritable, readAcl, writeAcl }) => {
              const uri = uriOf({ kind: "obs", root: container, parts: [] });
              return (
                <Table.Tr key={container}>
                  <Table.Td><Anchor component={Link} to={paths.storage(uri)} size="sm">{container}</Anchor></Table.Td>
                  <UsageCells container={container} />
                  <Table.Td>
                    <Switch
                      size="xs" checked={isReadable} label={readAcl ?? t("bySetting")} aria-label={t("mayRead", { container })}
                      onChange={(event) => { allow({ container, read: event.currentTarget.checked }); }}
                    />
                  </Table.Td>
                  <Table.Td>
                    <Switch
                      size="xs" checked={isWritable} label={writeAcl ?? t("bySetting")} aria-label={t("mayWrite", { container })}
                      onChange={(event) => { allow({ container, write: event.currentTarget.checked }); }}
                    />
                  </Table.Td>
                  <Table.Td style={{ whiteSpace: "nowrap" }}>
                    <CopyIcon text={uri} />
                    <ActionIcon
                      variant="subtle" color="red" size="sm" aria-label={t("deleteOne", { name: container })}
                      onClick={() => { remove([{ uri, name: container, size: 0, isDirectory: true }], () => undefined); }}
                    >
                      <IconTrash size={14} />
                    </ActionIcon>
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {nas.length > 0 && (
        <>
          <Text size="sm" fw={600} mt="lg" mb={4}>NAS</Text>
          {nas.map((root) => <Text size="sm" key={root.root}><Anchor component={Link} to={paths.storage(uriOf(root))} size="sm">{root.root}</Anchor> <CopyText text={uriOf(root)} /></Text>)}
        </>
      )}
    </>
  );
}
