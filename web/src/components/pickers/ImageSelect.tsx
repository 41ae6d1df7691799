import { Group, Select, Stack, Text, type SelectProps } from "@mantine/core";
import { useQueries, useQuery } from "@tanstack/react-query";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";

import type { ImageView, PreparationView } from "@/lib/api/generated/types.gen";
import { imagesQuery, preparationQuery } from "@/lib/catalogue";

export interface ImageSelectProps extends Omit<SelectProps, "data" | "renderOption"> {
  /** Images of this group are offered: TRAINING, … */
  group: string;
  /** CPU or GPU: images of the other core type do not go with the flavor that is chosen (IT-07). */
  coreType?: string | null;
}

/** The environment of a job: framework, versions, core type, and whether it has to be prepared first. */
export function ImageSelect({ group, coreType, ...props }: ImageSelectProps) {
  const { t } = useTranslation("pickers");
  const { data: images = [], isPending, error } = useQuery(imagesQuery(group));
  const preparations = useQueries({ queries: images.map((image) => preparationQuery(image.imageId)) });
  const stateOf = (id: string | undefined): string => said(preparations.find((one) => one.data?.imageId === id)?.data, t);
  const chosen = images.find((image) => image.imageId === props.value);
  return (
    <Select
      searchable allowDeselect={false} placeholder={isPending ? t("loading", { ns: "common" }) : t("chooseImage")} nothingFoundMessage={t("noImage")}
      description={chosen === undefined ? undefined : `${factsOf(chosen)} · ${stateOf(chosen.imageId)}`}
      {...props}
      error={props.error ?? error?.message}
      data={images.map((image) => ({ value: image.imageId, label: image.imageName, disabled: coreType != null && image.coreTypeCode !== coreType }))}
      renderOption={({ option }) => {
        const image = images.find((each) => each.imageId === option.value);
        return (
          <Stack gap={0}>
            <Text size="sm">{option.label}</Text>
            <Group gap={6}>
              <Text size="xs" c="dimmed">{image && factsOf(image)} · {stateOf(option.value)}</Text>
              {option.disabled === true && <Text size="xs" c="dimmed">· {t("otherCore", { core: coreType ?? "" })}</Text>}
            </Group>
          </Stack>
        );
      }}
    />
  );
}

const FRAMEWORKS: Partial<Record<string, string>> = { PYTORCH: "PyTorch", TENSORFLOW: "TensorFlow", PYTHON: "Python" };

const factsOf = (image: ImageView): string => [
  `${FRAMEWORKS[image.frameworkCode] ?? image.frameworkCode} ${image.frameworkVersion}`, `Python ${image.pythonVersion}`, image.coreTypeCode,
].join(" · ");

function said(preparation: PreparationView | undefined, t: TFunction<"pickers">): string {
  if (preparation === undefined) return "…";
  if (preparation.isReady) return t("prepared");
  if (preparation.error != null) return t("preparationFailed");
  return preparation.progress == null ? t("preparedFirst") : t("preparing", { progress: preparation.progress });
}
