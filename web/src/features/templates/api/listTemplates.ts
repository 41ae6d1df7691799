import type { ListPage, ListQuery, ListState } from "@/components/listState";
import { preloadList, useResourceList } from "@/components/listState";
import { payload, PROJECT } from "@/lib/api/client";
import { listTrainingTemplates } from "@/lib/api/generated/sdk.gen";
import type { TrainingTemplateView } from "@/lib/api/generated/types.gen";

async function fetchTemplates(query: ListQuery): Promise<ListPage<TrainingTemplateView>> {
  // Templates have no status to be sorted by (TT-11).
  const sortBy = query.sortBy === "name" ? "name" : "createdDatetime";
  const answer = await payload(listTrainingTemplates({ path: PROJECT, query: { ...query, sortBy } }));
  return { rows: answer.trainingTemplateList, nextCursor: answer.nextCursor, totalCount: answer.totalCount };
}

export const useTemplates = (state: ListState) => useResourceList("training-template", state, {}, fetchTemplates);

export const preloadTemplates = preloadList("training-template", fetchTemplates);
