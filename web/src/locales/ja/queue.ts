import type en from "@/locales/en/queue";
import type { Translation } from "@/locales/translation";

export default {
  waiting: "待機中 ({{count}})",
  running: "実行中 ({{count}})",
  gpuPanel: "GPU ({{count}})",
  place: "順番",
  wants: "要求",
  heldBy: "使用者",
  since: "経過",
  node: "ノード",
  processes: "使用中のプロセス",
  gpus_other: "GPU {{count}} 基",
  nodes_other: "{{count}} ノードで同時に開始",
  ending: "終了済み。GPU がアイドルになるまで保持します",
  more_other: "この後ろにさらに {{count}} 件が待機しています。",
  nothingWaits: "待機中のものはありません。空きがあればすぐに開始し、なければ理由とともにここで待機します。",
  nothingRuns: "CPU・メモリ・GPU を使用しているものはありません。",
  noGpus: "このマシンに GPU は見つかりません。",
} satisfies Translation<typeof en>;
