import type en from "@/locales/en/logs";
import type { Translation } from "@/locales/translation";

export default {
  query: "クエリ",
  help: "検索方法",
  helpText: "単語は本文から、\"引用符で囲んだ語句\" は連続した並びで、フィールド:\"値\" はフィールドの値で検索します。AND・OR・NOT と括弧で組み合わせます。単語の末尾の * は任意の文字列です。時刻は UTC です。",
  fields: "フィールド:",
  exampleAll: "すべて",
  exampleTraining: "学習とチューニングの出力",
  exampleInference: "エンドポイントへのリクエストとモデルサーバーの出力",
  exampleErrors: "問題を示す行",
  exampleWords: "語句を含み、その語で始まる単語のない行",
  exampleTime: "ある時刻以降",
  follow: "新着を追跡",
  entries: "ログ (新しい順)",
  older: "さらに古いログを表示",
  narrow: "これに絞る",
  emptyTitle: "ログストアは空です",
  emptyText: "ログ管理を有効にして作成したジョブの出力と、ログ管理を有効にしたステージへのリクエストがここに集まります。自作のプログラムからも送信できます。",
} satisfies Translation<typeof en>;
