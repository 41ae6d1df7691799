import type en from "@/locales/en/pickers";
import type { Translation } from "@/locales/translation";

export default {
  chooseImage: "이미지 선택",
  noImage: "해당하는 이미지가 없습니다.",
  otherCore: "{{core}}와(과) 함께 사용할 수 없음",
  prepared: "준비됨",
  preparedFirst: "처음 사용할 때 준비",
  preparing: "준비 중: {{progress}}",
  preparationFailed: "준비 실패",
  chooseFlavor: "인스턴스 타입 선택",
  noFlavor: "해당하는 인스턴스 타입이 없습니다.",
  vcpus: "{{count}} vCPU",
  now: "바로 실행 가능",
  waits: "대기 필요",
  never: "이 머신보다 큼",
  chooseExperiment: "실험 선택",
  noExperiment: "해당하는 실험이 없습니다. '추가'로 만들 수 있습니다.",
  addExperiment: "추가",
  newExperiment: "새 실험",
  duplicate: "같은 이름이 이미 있습니다.",
  sameVariable: "{{other}}와(과) 같은 변수 {{variable}}이(가) 됩니다.",
  removeRow: "{{name}} 삭제",
  rowsOf: "{{count}} / 최대 {{maximum}}",
} satisfies Translation<typeof en>;
