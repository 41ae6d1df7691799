import { Group, MultiSelect, SegmentedControl, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { ErrorView } from "@/components/ErrorView";
import { PageHeader } from "@/components/PageHeader";
import { useImages } from "@/features/images/api/listImages";
import { Images } from "@/features/images/components/Images";

const ALL = "ALL";

/** The images of the catalogue by group, core type and framework (IT-01…03). */
export default function ImagesPage() {
  const { t } = useTranslation("images");
  const [params, setParams] = useSearchParams();
  const { data, error, refetch } = useImages();
  const set = (name: string, values: readonly string[]): void => {
    setParams((now) => {
      now.delete(name);
      for (const value of values) if (value !== "" && value !== ALL) now.append(name, value);
      return now;
    }, { replace: true });
  };
  const [group, core, frameworks, keyword] = [params.get("group") ?? ALL, params.get("core") ?? ALL, params.getAll("framework"), params.get("keyword") ?? ""];
  const choices = (of: (image: NonNullable<typeof data>[number]) => string): string[] => [...new Set(data?.map(of))].sort();
  const shown = data?.filter((image) => (group === ALL || image.groupTypeCode === group) && (core === ALL || image.coreTypeCode === core)
    && (frameworks.length === 0 || frameworks.includes(image.frameworkCode)) && `${image.imageName} ${image.imageId}`.toLowerCase().includes(keyword.toLowerCase()));
  return (
    <>
      <PageHeader title={t("images", { ns: "shell" })} />
      <Text size="sm" c="dimmed" mb="sm">{t("text")}</Text>
      <Group gap="xs" mb="sm">
        <TextInput
          size="xs" w={160} type="search" aria-label={t("search", { ns: "common" })} placeholder={t("search", { ns: "common" })} leftSection={<IconSearch size={14} />}
          value={keyword} onChange={(event) => { set("keyword", [event.currentTarget.value]); }}
        />
        <SegmentedControl
          size="xs" aria-label={t("group")} value={group} onChange={(value) => { set("group", [value]); }}
          data={[{ value: ALL, label: t("all", { ns: "common" }) }, ...choices((image) => image.groupTypeCode)]}
        />
        <SegmentedControl
          size="xs" aria-label={t("coreType")} value={core} onChange={(value) => { set("core", [value]); }}
          data={[{ value: ALL, label: t("all", { ns: "common" }) }, ...choices((image) => image.coreTypeCode)]}
        />
        <MultiSelect
          size="xs" miw={140} clearable aria-label={t("framework")} placeholder={frameworks.length === 0 ? t("framework") : undefined}
          data={choices((image) => image.frameworkCode)} value={frameworks} onChange={(values) => { set("framework", values); }}
        />
      </Group>
      {error && <ErrorView error={error} retry={() => { void refetch(); }} />}
      {shown !== undefined && (shown.length === 0 ? <Text size="sm" c="dimmed">{t("nothingFound", { ns: "common" })}</Text> : <Images images={shown} />)}
    </>
  );
}
