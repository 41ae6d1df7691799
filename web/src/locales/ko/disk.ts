import type en from "@/locales/en/disk";
import type { Translation } from "@/locales/translation";

export default {
  counting: "집계 중…",
  summary: "어플라이언스가 {{ours}}를 사용합니다. {{total}} 중 {{free}}가 남아 있습니다.",
  others: "그 외",
  kinds: { BUCKET: "컨테이너", ENVIRONMENT: "환경", TRAINING: "학습", MODEL: "모델 사본", MLFLOW: "MLflow", DATABASE: "데이터베이스", LOG: "로그", TRASH: "삭제 후 남은 항목" },
  more_other: "외 {{count}}개(더 작은 항목)",
  nothingToReclaim: "회수할 항목이 없습니다",
  reclaim: "{{size}} 회수",
  reclaimTitle: "더 이상 필요하지 않은 항목",
  reclaimText: "컨테이너와 학습은 건드리지 않습니다. 삭제한 환경은 작업이 필요로 할 때 다시 구축됩니다.",
  remove: "{{size}} 완전히 삭제",
  freed: "{{size}}를 회수했습니다.",
} satisfies Translation<typeof en>;
