import { NumberInput, Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { flavorsQuery, imagesQuery } from "@/lib/catalogue";

import { FormSection } from "../CreationForm";
import { FlavorSelect } from "../pickers/FlavorSelect";
import { ImageSelect } from "../pickers/ImageSelect";

import type { JobForm } from "./jobForm";

const GROUP = "TRAINING";
const MAXIMUM_NODES = 10;
const NARROW = { wrapper: { maxWidth: 240 } };

/** Environment and size of a job: image, instance type, nodes, torchrun (TR-13 to TR-17). */
export function ResourceFields({ form, isTemplate = false, nodes }: {
  form: JobForm;
  isTemplate?: boolean;
  /** Stands for the number of nodes where it is not simply that of the instances. */
  nodes?: ReactNode;
}) {
  const { t } = useTranslation("job");
  const { imageId, flavorId, instanceCount = 1, useTorchrun = false } = form.getValues();
  const image = useQuery(imagesQuery(GROUP)).data?.find((each) => each.imageId === imageId);
  const flavor = useQuery(flavorsQuery()).data?.find((each) => each.id === flavorId);
  const most = flavor === undefined ? undefined : flavor.gpuCount || flavor.vcpus;
  const isPyTorch = image?.frameworkCode === "PYTORCH";
  return (
    <FormSection title={t("resources")}>
      <ImageSelect group={GROUP} coreType={flavor?.coreTypeCode} label={t("image")} required={!isTemplate} clearable={isTemplate} {...form.getInputProps("imageId")} />
      <FlavorSelect count={instanceCount} coreType={image?.coreTypeCode} label={t("flavor")} required={!isTemplate} clearable={isTemplate} {...form.getInputProps("flavorId")} />
      {nodes ?? <NumberInput label={t("nodes")} description={t("nodesHint")} min={1} max={MAXIMUM_NODES} allowDecimal={false} styles={NARROW} {...form.getInputProps("instanceCount")} />}
      <Switch
        label={t("torchrun")} description={isPyTorch || image === undefined ? t("torchrunHint") : t("torchrunOnly")} disabled={!isPyTorch && !useTorchrun}
        {...form.getInputProps("useTorchrun", { type: "checkbox" })}
      />
      {useTorchrun && (
        <NumberInput
          label={t("processes")} description={most === undefined ? t("processesHint") : t("processesMost", { most })} min={1} max={most} allowDecimal={false} styles={NARROW}
          {...form.getInputProps("nprocPerNode")}
        />
      )}
    </FormSection>
  );
}
