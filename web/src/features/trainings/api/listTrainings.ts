import type { ListPage, ListQuery, ListState } from "@/components/listState";
import { preloadList, useResourceList } from "@/components/listState";
import { payload, PROJECT } from "@/lib/api/client";
import { listTrainings } from "@/lib/api/generated/sdk.gen";
import type { SortBy, TrainingStatus, TrainingView } from "@/lib/api/generated/types.gen";

async function fetchTrainings({ statuses, sortBy, ...query }: ListQuery, experimentId?: string): Promise<ListPage<TrainingView>> {
  const answer = await payload(listTrainings({
    path: PROJECT,
    query: {
      ...query, sortBy: sortBy as SortBy, experimentId,
      trainingStatusCodeList: statuses as TrainingStatus[] | undefined,
    },
  }));
  return { rows: answer.trainingList, nextCursor: answer.nextCursor, totalCount: answer.totalCount };
}

/** Trainings that meet the list's conditions; of one experiment if that is given. */
export const useTrainings = (state: ListState, experimentId?: string) =>
  useResourceList("training", state, { experimentId }, (query) => fetchTrainings(query, experimentId));

export const preloadTrainings = preloadList("training", fetchTrainings);
