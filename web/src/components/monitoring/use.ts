/** What charts of use are drawn from, whatever it is the use of. */
import { payload, PROJECT } from "@/lib/api/client";
import { getMachineMonitoring, getStageMonitoring, getTrainingMonitoring } from "@/lib/api/generated/sdk.gen";
import type { SampleView } from "@/lib/api/generated/types.gen";

import type { RangeQuery } from "../timeRangeState";

/** Use of a node or a pod, oldest first. */
export interface MemberUse {
  name: string;
  samples: readonly SampleView[];
}

export interface Use {
  /** Its ends in milliseconds. */
  range: readonly [number, number];
  stepSeconds: number;
  members: readonly MemberUse[];
}

export type ReadUse = (range: RangeQuery) => Promise<Use>;

interface Answer {
  fromDatetime: string;
  toDatetime: string;
  stepSeconds: number;
}

const madeOf = ({ fromDatetime, toDatetime, stepSeconds }: Answer, members: readonly MemberUse[]): Use =>
  ({ range: [Date.parse(fromDatetime), Date.parse(toDatetime)], stepSeconds, members });

/** Reads the use of a training, or of the trial of that id, by node. */
export const readTrainingUse = (trainingId: string): ReadUse => async (query) => {
  const { monitoring } = await payload(getTrainingMonitoring({ path: { ...PROJECT, training_id: trainingId }, query }));
  return madeOf(monitoring, monitoring.memberList.map(({ member, sampleList }) => ({ name: member, samples: sampleList })));
};

/** Reads the use of a stage by pod. */
export const readStageUse = (stageId: string): ReadUse => async (query) => {
  const { monitoring } = await payload(getStageMonitoring({ path: { ...PROJECT, endpoint_stage_id: stageId }, query }));
  return madeOf(monitoring, monitoring.podList.map((pod) => ({
    name: `${pod.modelName ?? pod.resourceId.slice(0, 8)} #${String(pod.number)}`, samples: pod.sampleList,
  })));
};

/** Reads the use of the whole machine, which is one member without a name. */
export const readMachineUse: ReadUse = async (query) => {
  const { monitoring } = await payload(getMachineMonitoring({ path: PROJECT, query }));
  return madeOf(monitoring, monitoring.memberList.map(({ member, sampleList }) => ({ name: member, samples: sampleList })));
};
