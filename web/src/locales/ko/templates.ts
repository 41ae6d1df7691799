import type en from "@/locales/en/templates";
import type { Translation } from "@/locales/translation";

export default {
  emptyTitle: "아직 학습 템플릿이 없습니다",
  emptyText: "학습 템플릿에는 여러 학습이 함께 쓰는 설정을 저장합니다. 이름만 필수입니다. 값은 사용할 때 복사되므로, 나중에 템플릿을 바꿔도 이미 만든 학습에는 영향이 없습니다.",
  newTitle: "학습 템플릿 생성",
  copyTitle: "학습 템플릿 복사",
  partial: "이름만 필수입니다. 입력하지 않은 항목은 템플릿을 사용할 때 입력합니다.",
  warning: "저장했지만 지금 그대로 사용하면 거부됩니다",
  changed: "변경 일시",
  broken: "데이터를 읽을 수 없습니다. 삭제만 가능합니다.",
  unresolved: "여기에 없어 사용할 때 비워 두는 항목:",
  use: "사용",
  useForTraining: "학습에 사용",
  useForTuning: "하이퍼파라미터 튜닝에 사용",
  export: "내보내기",
  import: "가져오기",
  notExported: "내보내지 못했습니다",
  notImported: "{{name}}을(를) 가져오지 못했습니다",
  deleteTitle_other: "학습 템플릿 {{count}}개를 삭제할까요?",
  deleteText: "템플릿의 값이 즉시 사라집니다. 이 템플릿으로 만든 학습과 튜닝은 그대로 남습니다.",
  noHyperparameters: "하이퍼파라미터가 없습니다.",
  configurationText: "이 파일은 여기나 다른 머신에서 가져올 수 있습니다.",
} satisfies Translation<typeof en>;
