import type en from "@/locales/en/storage";
import type { Translation } from "@/locales/translation";

export default {
  browse: "스토리지 찾아보기",
  completions: "경로 제안",
  containers: "컨테이너",
  chooseFolder: "폴더 선택",
  chooseFile: "파일 선택",
  choosePlace: "폴더 또는 파일 선택",
  chooseThisFolder: "이 폴더 선택",
  filterNames: "이름으로 필터링",
  noContainers: "아직 컨테이너가 없습니다. 스토리지 페이지에서 생성하세요.",
  emptyFolder: "항목이 없습니다.",
  missingRead: "시스템 계정 {{account}}에 컨테이너 {{container}}의 읽기 권한이 없습니다.",
  missingWrite: "시스템 계정 {{account}}에 컨테이너 {{container}}의 쓰기 권한이 없습니다.",
  grantRead: "읽기 권한 부여",
  grantWrite: "쓰기 권한 부여",
  grantFailed: "권한을 부여하지 못했습니다",
} satisfies Translation<typeof en>;
