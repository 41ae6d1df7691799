import type en from "@/locales/en/templates";
import type { Translation } from "@/locales/translation";

export default {
  emptyTitle: "学習テンプレートはまだありません",
  emptyText: "学習テンプレートには、複数の学習で共通する設定を保存しておけます。必須項目は名前だけです。値は使用時にコピーされるため、後でテンプレートを変更しても作成済みの学習には影響しません。",
  newTitle: "学習テンプレートの作成",
  copyTitle: "学習テンプレートのコピー",
  partial: "必須項目は名前だけです。入力しなかった項目は、テンプレートの使用時に入力します。",
  warning: "保存しましたが、このまま使用すると拒否されます",
  changed: "変更日時",
  broken: "データを読み取れません。削除のみ可能です。",
  unresolved: "ここには存在しません。使用時に空欄になります:",
  use: "使用",
  useForTraining: "学習に使用",
  useForTuning: "ハイパーパラメータチューニングに使用",
  export: "エクスポート",
  import: "インポート",
  notExported: "エクスポートできませんでした",
  notImported: "{{name}} をインポートできませんでした",
  deleteTitle_other: "{{count}} 件の学習テンプレートを削除しますか?",
  deleteText: "テンプレートの値はすぐに失われます。このテンプレートから作成した学習とチューニングはそのまま残ります。",
  noHyperparameters: "ハイパーパラメータはありません。",
  configurationText: "このファイルは、ここや別のマシンでインポートできます。",
} satisfies Translation<typeof en>;
