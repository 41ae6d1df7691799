import { Group, Select, Text, type SelectProps } from "@mantine/core";
import { IconBan, IconCircleCheck, IconClock } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { FlavorView } from "@/lib/api/generated/types.gen";
import { fitOf, flavorsQuery, type Fit } from "@/lib/catalogue";
import { mebibytes } from "@/lib/format";
import { useMachine } from "@/lib/machine";

const ICONS: Record<Fit, ReactNode> = {
  now: <IconCircleCheck size={14} color="var(--mantine-color-teal-6)" aria-hidden />,
  waits: <IconClock size={14} color="var(--mantine-color-orange-6)" aria-hidden />,
  never: <IconBan size={14} color="var(--mantine-color-dimmed)" aria-hidden />,
};

export interface FlavorSelectProps extends Omit<SelectProps, "data" | "renderOption"> {
  /** Instances that run at the same time. */
  count?: number;
  /** CPU or GPU, as the image that is chosen; flavors of the other are not offered (IT-07). */
  coreType?: string | null;
}

/** The instance type: what one has, and whether as many as are wanted fit now, would wait, or never fit (IT-04). */
export function FlavorSelect({ count = 1, coreType, ...props }: FlavorSelectProps) {
  const { t } = useTranslation("pickers");
  const { data: flavors = [], error } = useQuery(flavorsQuery());
  const { data: machine } = useMachine();
  const fit = (flavor: FlavorView): Fit | null => (machine === undefined ? null : fitOf(flavor, count, machine));
  const sizeOf = (flavor: FlavorView): string => [
    t("vcpus", { count: flavor.vcpus }), mebibytes(flavor.ram),
    ...(flavor.gpuCount > 0 ? [`${String(flavor.gpuCount)} × ${flavor.gpuModel ?? "GPU"}`] : []),
  ].join(" · ");
  const chosen = flavors.find((flavor) => flavor.id === props.value);
  const fitOfChosen = chosen === undefined ? null : fit(chosen);
  return (
    <Select
      searchable allowDeselect={false} placeholder={t("chooseFlavor")} nothingFoundMessage={t("noFlavor")}
      description={chosen === undefined ? undefined : `${sizeOf(chosen)}${fitOfChosen === null ? "" : ` · ${t(fitOfChosen, { count })}`}`}
      {...props}
      error={props.error ?? error?.message}
      data={flavors.map((flavor) => ({
        value: flavor.id, label: flavor.name, disabled: fit(flavor) === "never" || (coreType != null && flavor.coreTypeCode !== coreType),
      }))}
      renderOption={({ option }) => {
        const flavor = flavors.find((each) => each.id === option.value);
        if (flavor === undefined) return option.label;
        const fits = fit(flavor);
        const isOther = coreType != null && flavor.coreTypeCode !== coreType;
        return (
          <Group justify="space-between" wrap="nowrap" flex={1} gap="sm">
            <Text size="sm">{option.label}</Text>
            <Group gap={6} wrap="nowrap">
              <Text size="xs" c="dimmed">{sizeOf(flavor)}</Text>
              {fits !== null && ICONS[fits]}
              <Text size="xs">{isOther ? t("otherCore", { core: coreType }) : fits === null ? "" : t(fits, { count })}</Text>
            </Group>
          </Group>
        );
      }}
    />
  );
}
