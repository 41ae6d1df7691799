import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { payload, PROJECT } from "@/lib/api/client";
import { getEndpointStage } from "@/lib/api/generated/sdk.gen";
import { kindOf } from "@/lib/kinds";
import { pathOf, paths } from "@/lib/paths";

export interface LinkedResource {
  kind: string;
  id: string;
  name: string;
  parentId?: string | null;
}

/** A resource by its name, which leads to its page where it has one. */
export function ResourceLink({ kind: word, id, name, parentId }: LinkedResource) {
  const kind = kindOf(word);
  if (kind === "endpoint-stage" && parentId == null) return <StageLink id={id} name={name} />;
  const path = kind === "trial" ? (parentId == null ? paths.trainings.one(id) : paths.tunings.one(parentId, "trials")) : pathOf(kind, id, parentId);
  return path === null ? <Text span inherit>{name}</Text> : <Anchor component={Link} to={path} inherit>{name}</Anchor>;
}

/** A stage of which nobody said which endpoint it belongs to. */
function StageLink({ id, name }: { id: string; name: string }) {
  const { data } = useQuery({
    queryKey: ["endpoint-stage", "of", id], retry: false,
    queryFn: async () => (await payload(getEndpointStage({ path: { ...PROJECT, endpoint_stage_id: id } }))).endpointStage,
  });
  if (data === undefined) return <Text span inherit>{name}</Text>;
  return <Anchor component={Link} to={paths.stage(data.endpointId, id)} inherit>{data.endpointName} / {data.endpointStageName}</Anchor>;
}
