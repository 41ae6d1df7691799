import type en from "@/locales/en/logs";
import type { Translation } from "@/locales/translation";

export default {
  query: "쿼리",
  help: "검색 방법",
  helpText: "단어는 본문에서 찾고, \"따옴표로 묶은 말\"은 이어진 그대로 찾으며, 필드:\"값\"은 필드 값을 비교합니다. AND, OR, NOT과 괄호로 조합합니다. 단어 끝의 *는 무엇이든 가능합니다. 시각은 UTC입니다.",
  fields: "필드:",
  exampleAll: "전체",
  exampleTraining: "학습과 튜닝의 출력",
  exampleInference: "엔드포인트 요청과 모델 서버의 출력",
  exampleErrors: "문제를 알리는 줄",
  exampleWords: "구절을 포함하고 그 말로 시작하는 단어가 없는 줄",
  exampleTime: "특정 시각 이후",
  follow: "새 로그 따라가기",
  entries: "로그(최신순)",
  older: "이전 로그 더 보기",
  narrow: "이것만 보기",
  emptyTitle: "로그 저장소가 비어 있습니다",
  emptyText: "로그 관리를 켜고 생성한 작업의 출력과, 로그 관리를 켠 스테이지의 요청이 여기에 모입니다. 직접 만든 프로그램에서도 보낼 수 있습니다.",
} satisfies Translation<typeof en>;
