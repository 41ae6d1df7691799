import type en from "@/locales/en/disk";
import type { Translation } from "@/locales/translation";

export default {
  counting: "集計中…",
  summary: "アプライアンスの使用量は {{ours}} です。{{total}} 中 {{free}} が空いています。",
  others: "その他",
  kinds: { BUCKET: "コンテナ", ENVIRONMENT: "環境", TRAINING: "学習", MODEL: "モデルのコピー", MLFLOW: "MLflow", DATABASE: "データベース", LOG: "ログ", TRASH: "削除の残り" },
  more_other: "ほか {{count}} 件 (より小さいもの)",
  nothingToReclaim: "解放できるものはありません",
  reclaim: "{{size}} を解放",
  reclaimTitle: "不要になったもの",
  reclaimText: "コンテナと学習には触れません。削除した環境は、ジョブが必要とするときに再構築されます。",
  remove: "{{size}} を完全に削除",
  freed: "{{size}} を解放しました。",
} satisfies Translation<typeof en>;
