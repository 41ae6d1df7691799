import type en from "@/locales/en/experiments";
import type { Translation } from "@/locales/translation";

export default {
  emptyTitle: "実験はまだありません",
  emptyText: "実験は、関連する学習とハイパーパラメータチューニングをまとめ、指標を並べて比較できるようにします。学習は必ず 1 つの実験に属します。",
  newTitle: "実験の作成",
  nameHint: "50 文字以内。ほかの実験と同じ名前は使えません。",
  createTraining: "学習の作成",
  createTuning: "チューニングの作成",
  changeTitle: "実験の変更",
  notDeletable: "{{status}}: 作成が終わると削除できます。",
  notRetryable: "{{status}}: 再試行できるのは CREATE FAILED のみです。",
  blocked: "終了していません: {{names}}。先に停止するか、終了を待ってください。",
  blockedBy_other: "終了していない {{count}} 件があるため削除できません",
  deleteTitle_other: "{{count}} 件の実験を削除しますか?",
  deleteText: "実験とその履歴が失われます。終了した学習とチューニングは、ログや保存データとともに残り、実験名は「削除済み」と表示されます。",
  notOpened: "開けませんでした",
  notRetried: "再試行できませんでした",
  noTrainings: "この実験の学習はまだありません。",
  noTunings: "この実験のハイパーパラメータチューニングはまだありません。",
  whyFailed: "失敗の理由",
  retryHint: "原因を取り除いてから再試行してください。",
} satisfies Translation<typeof en>;
