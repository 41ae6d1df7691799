import type en from "@/locales/en/pickers";
import type { Translation } from "@/locales/translation";

export default {
  chooseImage: "イメージを選択",
  noImage: "該当するイメージはありません。",
  otherCore: "{{core}} とは組み合わせできません",
  prepared: "準備済み",
  preparedFirst: "初回使用時に準備",
  preparing: "準備中: {{progress}}",
  preparationFailed: "準備に失敗",
  chooseFlavor: "インスタンスタイプを選択",
  noFlavor: "該当するインスタンスタイプはありません。",
  vcpus: "{{count}} vCPU",
  now: "すぐに実行できます",
  waits: "待機が必要です",
  never: "このマシンより大きいです",
  chooseExperiment: "実験を選択",
  noExperiment: "該当する実験はありません。「追加」で作成できます。",
  addExperiment: "追加",
  newExperiment: "新しい実験",
  duplicate: "同じ名前がすでにあります。",
  sameVariable: "{{other}} と同じ変数 {{variable}} になります。",
  removeRow: "{{name}} を削除",
  rowsOf: "{{count}} / 最大 {{maximum}}",
} satisfies Translation<typeof en>;
