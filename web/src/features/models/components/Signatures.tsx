import { Code, Stack, Table, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import type { SavedModelView, TensorView } from "@/lib/api/generated/types.gen";

/** `[*, 4]` of a shape; what varies is a star. */
const shapeText = (shape: readonly number[] | null): string =>
  shape === null ? "*" : `[${shape.map((size) => (size === -1 ? "*" : String(size))).join(", ")}]`;

/** Inputs and outputs of the functions of a model. */
export function Signatures({ signatures }: { signatures: SavedModelView["signatureList"] }) {
  const { t } = useTranslation("models");
  return (
    <Stack gap="md">
      {signatures.map((signature) => (
        <Stack gap="xs" key={signature.signatureName}>
          <Title order={2} size="h5">{t("signature", { name: signature.signatureName })}</Title>
          <Table.ScrollContainer minWidth={420}>
            <Table>
              <Table.Thead>
                <Table.Tr><Table.Th w={120} /><Table.Th>{t("name", { ns: "common" })}</Table.Th><Table.Th>{t("dtype")}</Table.Th><Table.Th>{t("shape")}</Table.Th></Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {signature.inputList.map((tensor) => <Row key={`in ${tensor.name}`} role={t("input")} tensor={tensor} />)}
                {signature.outputList.map((tensor) => <Row key={`out ${tensor.name}`} role={t("output")} tensor={tensor} />)}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Stack>
      ))}
    </Stack>
  );
}

function Row({ role, tensor }: { role: string; tensor: TensorView }) {
  return (
    <Table.Tr>
      <Table.Td c="dimmed">{role}</Table.Td>
      <Table.Td>{tensor.name}</Table.Td>
      <Table.Td><Code>{tensor.dtype}</Code></Table.Td>
      <Table.Td><Code>{shapeText(tensor.shape)}</Code></Table.Td>
    </Table.Tr>
  );
}
