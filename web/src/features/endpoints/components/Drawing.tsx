import "@xyflow/react/dist/style.css";

import { Paper, Text, useComputedColorScheme } from "@mantine/core";
import { IconBox, IconRocket, IconServer, IconStack2 } from "@tabler/icons-react";
import { Background, Controls, Handle, Position, ReactFlow, type Edge, type Node, type NodeProps } from "@xyflow/react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";

import { StatusBadge } from "@/components/StatusBadge";
import type { EndpointStageView, PodView } from "@/lib/api/generated/types.gen";
import { paths } from "@/lib/paths";
import { statusName } from "@/lib/statuses";

import { placeOf, type PodUse } from "../api/podUse";
import { draw, HEIGHT, WIDTH, type Place } from "../drawing";
import { podUseText } from "../podUseText";
import classes from "./Drawing.module.css";

const ICONS = { endpoint: IconRocket, stage: IconStack2, node: IconServer, pod: IconBox } as const;
const MARGIN = 40;

type Drawn = Node<{ place: Place }, "place">;

function PlaceNode({ data: { place } }: NodeProps<Drawn>) {
  const Icon = ICONS[place.kind];
  return (
    <Paper withBorder p="xs" w={WIDTH} h={HEIGHT} className={classes.place}>
      {place.kind !== "endpoint" && <Handle type="target" position={Position.Left} isConnectable={false} />}
      <Text size="sm" fw={600} truncate title={place.name}><Icon size={14} aria-hidden /> {place.name}</Text>
      {place.status !== null && <StatusBadge status={place.status} />}
      {place.note !== null && <Text size="xs" c="dimmed" truncate title={place.note}>{place.note}</Text>}
      {place.kind !== "pod" && <Handle type="source" position={Position.Right} isConnectable={false} />}
    </Paper>
  );
}

const TYPES = { place: PlaceNode };

/** Endpoint, stage, nodes and pods with their statuses. A pod leads to its log, by a click or by Enter. */
export default function Drawing({ stage, pods, use }: { stage: EndpointStageView; pods: readonly PodView[]; use: ReadonlyMap<string, PodUse> }) {
  const { t } = useTranslation("endpoints");
  const navigate = useNavigate();
  const scheme = useComputedColorScheme("light");
  const { nodes, edges } = useMemo(() => {
    const { places, lines } = draw(stage, pods, (pod) => podUseText(use.get(placeOf(pod))));
    const made: Drawn[] = places.map((place) => ({
      id: place.id, type: "place", position: { x: place.x, y: place.y }, data: { place }, width: WIDTH, height: HEIGHT, draggable: false, connectable: false,
      ariaLabel: [t(`kindOf.${place.kind}`), place.name, place.status === null ? null : statusName(place.status), place.note].filter(Boolean).join(", "),
    }));
    const drawn: Edge[] = lines.map((line) => ({
      id: line.id, source: line.from, target: line.to, animated: line.isServing, focusable: false, className: line.isServing ? classes.serving : classes.idle,
    }));
    return { nodes: made, edges: drawn };
  }, [stage, pods, use, t]);
  const height = Math.max(...nodes.map((node) => node.position.y)) + HEIGHT + 2 * MARGIN;
  const open = (place: Place): void => {
    if (place.podId !== null) void navigate(`${paths.stage(stage.endpointId, stage.endpointStageId, "logs")}&pod=${place.podId}`);
    else if (place.kind === "endpoint") void navigate(paths.endpoints.one(stage.endpointId));
  };
  return (
    <Paper withBorder h={Math.min(Math.max(height, 220), 560)} role="group" aria-label={t("drawing")}>
      <ReactFlow
        nodes={nodes} edges={edges} nodeTypes={TYPES} colorMode={scheme} fitView fitViewOptions={{ padding: 0.1, minZoom: 0.55, maxZoom: 1 }} minZoom={0.2} maxZoom={1.5} nodesDraggable={false}
        nodesConnectable={false} edgesFocusable={false} preventScrolling={false} zoomOnScroll={false} onNodeClick={(_, node) => { open(node.data.place); }}
        onKeyDown={(event) => {
          const id = (event.target as HTMLElement).closest(".react-flow__node")?.getAttribute("data-id");
          const node = nodes.find((each) => each.id === id);
          if (event.key === "Enter" && node !== undefined) open(node.data.place);
        }}
      >
        <Background />
        <Controls showInteractive={false} />
      </ReactFlow>
    </Paper>
  );
}
