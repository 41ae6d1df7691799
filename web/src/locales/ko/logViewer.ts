import type en from "@/locales/en/logViewer";
import type { Translation } from "@/locales/translation";

export default {
  lines: "로그 줄",
  search: "로그에서 검색",
  searching: "검색 중…",
  nothing: "찾을 수 없음",
  hits_other: "{{count}}줄 중 {{number}}번째",
  previous: "이전 일치 줄",
  next: "다음 일치 줄",
  firstError: "첫 번째 오류",
  firstErrorLine: "{{line}}번째 줄로 이동",
  noError: "오류를 나타내는 줄이 없습니다.",
  wrap: "줄 바꿈",
  follow: "끝부분 따라가기",
  more: "나머지 {{count}}자는 다운로드한 파일에 있습니다",
  empty: "아무것도 출력하지 않고 종료되었습니다.",
  emptyYet: "아직 출력이 없습니다. 출력되는 대로 여기에 표시됩니다.",
  count_other: "{{shown}}줄",
  loading: "불러오는 중",
  following: "실시간 표시 중",
  complete: "출력 완료",
} satisfies Translation<typeof en>;
