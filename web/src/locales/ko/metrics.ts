import type en from "@/locales/en/metrics";
import type { Translation } from "@/locales/translation";

export default {
  filter: "지표 찾기",
  shownOf_other: "지표 {{count}}개 중 {{shown}}개",
  smoothing: "평활화",
  scale: "값 축",
  linear: "선형",
  logarithmic: "로그",
  step: "스텝",
  noValues: "아직 값이 없습니다.",
  noPositive: "로그 축에는 0 이하의 값을 표시할 수 없으며, 양수 값이 없습니다.",
  last: "최근 {{value}}(스텝 {{step}})",
  min: "최소 {{value}}",
  max: "최대 {{value}}",
  notANumber: "숫자가 아님",
  drawn: "{{count}}개 중 {{shown}}개 지점 표시",
} satisfies Translation<typeof en>;
