import type en from "@/locales/en/queue";
import type { Translation } from "@/locales/translation";

export default {
  waiting: "대기 중({{count}})",
  running: "실행 중({{count}})",
  gpuPanel: "GPU({{count}})",
  place: "순번",
  wants: "요청",
  heldBy: "사용 주체",
  since: "경과",
  node: "노드",
  processes: "사용 중인 프로세스",
  gpus_other: "GPU {{count}}개",
  nodes_other: "노드 {{count}}개에서 동시에 시작",
  ending: "종료됨. GPU가 유휴 상태가 될 때까지 유지합니다",
  more_other: "이 뒤로 {{count}}개가 더 대기 중입니다.",
  nothingWaits: "대기 중인 항목이 없습니다. 자리가 있으면 바로 시작하고, 없으면 사유와 함께 여기에서 대기합니다.",
  nothingRuns: "CPU, 메모리, GPU를 사용하는 항목이 없습니다.",
  noGpus: "이 머신에서 GPU를 찾지 못했습니다.",
} satisfies Translation<typeof en>;
