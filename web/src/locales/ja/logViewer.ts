import type en from "@/locales/en/logViewer";
import type { Translation } from "@/locales/translation";

export default {
  lines: "ログの行",
  search: "ログ内を検索",
  searching: "検索中…",
  nothing: "見つかりません",
  hits_other: "{{number}} / {{count}} 行",
  previous: "前の一致する行",
  next: "次の一致する行",
  firstError: "最初のエラー",
  firstErrorLine: "{{line}} 行目へ移動",
  noError: "エラーの行はありません。",
  wrap: "行を折り返す",
  follow: "末尾を追う",
  more: "残り {{count}} 文字はダウンロードで確認できます",
  empty: "何も出力せずに終了しました。",
  emptyYet: "まだ出力がありません。出力され次第ここに表示します。",
  count_other: "{{shown}} 行",
  loading: "読み込み中",
  following: "リアルタイム表示中",
  complete: "出力完了",
} satisfies Translation<typeof en>;
