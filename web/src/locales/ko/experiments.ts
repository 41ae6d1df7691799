import type en from "@/locales/en/experiments";
import type { Translation } from "@/locales/translation";

export default {
  emptyTitle: "아직 실험이 없습니다",
  emptyText: "실험은 관련된 학습과 하이퍼파라미터 튜닝을 묶고 지표를 나란히 비교할 수 있게 합니다. 모든 학습은 하나의 실험에 속합니다.",
  newTitle: "실험 생성",
  nameHint: "50자 이내이며, 다른 실험과 같은 이름은 쓸 수 없습니다.",
  createTraining: "학습 생성",
  createTuning: "튜닝 생성",
  changeTitle: "실험 변경",
  notDeletable: "{{status}}: 생성이 끝나면 삭제할 수 있습니다.",
  notRetryable: "{{status}}: CREATE FAILED 상태에서만 다시 시도할 수 있습니다.",
  blocked: "아직 종료되지 않았습니다: {{names}}. 먼저 중지하거나 종료를 기다리세요.",
  blockedBy_other: "종료되지 않은 항목 {{count}}개 때문에 삭제할 수 없습니다",
  deleteTitle_other: "실험 {{count}}개를 삭제할까요?",
  deleteText: "실험과 그 이력이 사라집니다. 종료된 학습과 튜닝은 로그와 저장한 데이터와 함께 남으며, 실험 이름은 삭제됨으로 표시됩니다.",
  notOpened: "열지 못했습니다",
  notRetried: "다시 시도하지 못했습니다",
  noTrainings: "이 실험의 학습이 아직 없습니다.",
  noTunings: "이 실험의 하이퍼파라미터 튜닝이 아직 없습니다.",
  whyFailed: "실패한 이유",
  retryHint: "원인을 해결한 뒤 다시 시도하세요.",
} satisfies Translation<typeof en>;
