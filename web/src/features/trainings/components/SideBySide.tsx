import { Anchor, Table } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";

import type { TrainingView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";

import { labelsOf } from "../comparison";

import classes from "./SideBySide.module.css";

export interface SideBySideRow {
  key: string;
  name: ReactNode;
  /** One for each training. */
  cells: readonly ReactNode[];
}

/** A table with a column for each training. */
export function SideBySide({ trainings, label, corner, rows, maxHeight }: {
  trainings: readonly TrainingView[];
  label: string;
  corner: string;
  rows: readonly SideBySideRow[];
  /** Where it is longer it is scrolled below its head. */
  maxHeight?: number;
}) {
  const labels = labelsOf(trainings);
  return (
    <Table.ScrollContainer minWidth={0} maxHeight={maxHeight}>
      <Table stickyHeader verticalSpacing={6} aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th className={classes.name}>{corner}</Table.Th>
            {trainings.map(({ trainingId }, place) => (
              <Table.Th className={classes.cell} scope="col" key={trainingId}><Anchor component={Link} to={paths.trainings.one(trainingId)} size="sm">{labels[place]}</Anchor></Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ key, name, cells }) => (
            <Table.Tr key={key}>
              <Table.Th className={classes.name} scope="row" fw={500}>{name}</Table.Th>
              {trainings.map(({ trainingId }, place) => <Table.Td className={classes.cell} key={trainingId}>{cells[place]}</Table.Td>)}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
