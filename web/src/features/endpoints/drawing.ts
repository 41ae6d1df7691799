/** Where everything of a stage stands in its drawing: endpoint, stage, nodes, and the pods on them. Pure; `Drawing.tsx` draws it. */
import type { EndpointStageView, PodView } from "@/lib/api/generated/types.gen";

export interface Place {
  id: string;
  kind: "endpoint" | "stage" | "node" | "pod";
  /** What it is called, and what is said below. */
  name: string;
  status: string | null;
  note: string | null;
  podId: string | null;
  x: number;
  y: number;
}

export interface Line {
  id: string;
  from: string;
  to: string;
  /** True where requests flow. */
  isServing: boolean;
}

export const [WIDTH, HEIGHT] = [210, 84];
const [COLUMN, ROW] = [WIDTH + 70, HEIGHT + 20];
const NOWHERE = "not placed";

/** Lays out a stage from left to right; nodes stand in the middle of their pods. */
export function draw(stage: EndpointStageView, pods: readonly PodView[], noteOf: (pod: PodView) => string): { places: Place[]; lines: Line[] } {
  const nodes = new Map<string, PodView[]>();
  for (let number = 0; number < stage.nodeCount; number += 1) nodes.set(`node-${String(number)}`, []);
  for (const pod of pods) {
    const node = pod.nodeName ?? NOWHERE;
    nodes.set(node, [...(nodes.get(node) ?? []), pod]);
  }
  const places: Place[] = [];
  const lines: Line[] = [];
  let row = 0;
  for (const [node, inside] of nodes) {
    const height = Math.max(inside.length, 1);
    const isReady = inside.some((pod) => pod.podStatusCode === "READY");
    places.push({ id: node, kind: "node", name: node, status: null, note: stage.flavor.name, podId: null, x: 2 * COLUMN, y: (row + (height - 1) / 2) * ROW });
    lines.push({ id: `stage ${node}`, from: "stage", to: node, isServing: isReady });
    inside.forEach((pod, index) => {
      const name = `${pod.modelName ?? "–"} #${String(pod.number)}`;
      places.push({ id: pod.podId, kind: "pod", name, status: pod.podStatusCode, note: noteOf(pod), podId: pod.podId, x: 3 * COLUMN, y: (row + index) * ROW });
      lines.push({ id: `${node} ${pod.podId}`, from: node, to: pod.podId, isServing: pod.podStatusCode === "READY" });
    });
    row += height;
  }
  const middle = (Math.max(row, 1) - 1) / 2 * ROW;
  const isServing = pods.some((pod) => pod.podStatusCode === "READY");
  places.unshift(
    { id: "endpoint", kind: "endpoint", name: stage.endpointName, status: stage.endpointStatusCode, note: null, podId: null, x: 0, y: middle },
    { id: "stage", kind: "stage", name: stage.endpointStageName, status: stage.endpointStageStatusCode, note: null, podId: null, x: COLUMN, y: middle },
  );
  lines.unshift({ id: "endpoint stage", from: "endpoint", to: "stage", isServing });
  return { places, lines };
}
