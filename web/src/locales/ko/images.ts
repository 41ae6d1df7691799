import type en from "@/locales/en/images";
import type { Translation } from "@/locales/translation";

export default {
  text: "작업은 이미지로 이 머신에 구축한 환경에서 실행됩니다. 첫 작업이 환경을 준비하며, 여기에서 미리 준비해 둘 수도 있습니다.",
  group: "그룹",
  coreType: "코어 타입",
  framework: "프레임워크",
  environment: "이 머신의 환경",
  ready: "준비됨",
  preparing: "준비 중",
  failed: "준비 실패",
  prepare: "준비",
  notPrepared: "이미지를 준비하지 못했습니다",
} satisfies Translation<typeof en>;
