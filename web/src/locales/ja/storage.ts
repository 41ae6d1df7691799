import type en from "@/locales/en/storage";
import type { Translation } from "@/locales/translation";

export default {
  browse: "ストレージを参照",
  completions: "パスの候補",
  containers: "コンテナ",
  chooseFolder: "フォルダを選択",
  chooseFile: "ファイルを選択",
  choosePlace: "フォルダまたはファイルを選択",
  chooseThisFolder: "このフォルダを選択",
  filterNames: "名前で絞り込み",
  noContainers: "コンテナがまだありません。ストレージページで作成してください。",
  emptyFolder: "何もありません。",
  missingRead: "システムアカウント {{account}} にはコンテナ {{container}} の読み取り権限がありません。",
  missingWrite: "システムアカウント {{account}} にはコンテナ {{container}} の書き込み権限がありません。",
  grantRead: "読み取り権限を付与",
  grantWrite: "書き込み権限を付与",
  grantFailed: "権限を付与できませんでした",
} satisfies Translation<typeof en>;
