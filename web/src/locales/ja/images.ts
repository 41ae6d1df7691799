import type en from "@/locales/en/images";
import type { Translation } from "@/locales/translation";

export default {
  text: "ジョブは、イメージからこのマシン上に構築した環境で実行されます。最初のジョブが環境を準備しますが、ここで先に準備しておくこともできます。",
  group: "グループ",
  coreType: "コアタイプ",
  framework: "フレームワーク",
  environment: "このマシンの環境",
  ready: "準備済み",
  preparing: "準備中",
  failed: "準備に失敗",
  prepare: "準備する",
  notPrepared: "イメージを準備できませんでした",
} satisfies Translation<typeof en>;
