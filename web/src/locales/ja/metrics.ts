import type en from "@/locales/en/metrics";
import type { Translation } from "@/locales/translation";

export default {
  filter: "指標を検索",
  shownOf_other: "{{count}} 件の指標のうち {{shown}} 件",
  smoothing: "平滑化",
  scale: "値の軸",
  linear: "線形",
  logarithmic: "対数",
  step: "ステップ",
  noValues: "まだ値がありません。",
  noPositive: "対数軸では0以下の値を表示できません。正の値がありません。",
  last: "最新値 {{value}}(ステップ {{step}})",
  min: "最小 {{value}}",
  max: "最大 {{value}}",
  notANumber: "数値ではありません",
  drawn: "{{count}} 点のうち {{shown}} 点を表示",
} satisfies Translation<typeof en>;
