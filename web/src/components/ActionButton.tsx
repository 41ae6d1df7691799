import { Button, Text, Tooltip, type ButtonProps } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { ErrorView } from "./ErrorView";

/** What a wish needs before it is sent: what will happen and what will be lost. `null`: nothing to confirm. */
export interface Question {
  title: string;
  text: ReactNode;
  confirm: string;
  isDestructive?: boolean;
}

/** Returns what asks the question and then acts; a refusal is shown in the dialogue, which stays open (GN-16). */
export function useConfirmed(): (question: Question, act: () => Promise<unknown>) => void {
  const { t } = useTranslation();
  return (question, act) => {
    const id = modals.openConfirmModal({
      title: question.title,
      children: (
        <>
          <Text size="sm" component="div">{question.text}</Text>
          <Text size="sm" c="dimmed" mt="sm">{t("notCancellable")}</Text>
        </>
      ),
      labels: { confirm: question.confirm, cancel: t("cancel") },
      confirmProps: { color: question.isDestructive ? "red" : undefined, "data-autofocus": true },
      closeOnConfirm: false,
      onConfirm: () => {
        act().then(
          () => { modals.close(id); },
          (error: unknown) => { modals.updateModal({ modalId: id, children: <ErrorView error={error as Error} /> }); },
        );
      },
    });
  };
}

/** Shows an error of an action that had no dialogue. */
export function notifyError(title: string, error: Error): void {
  notifications.show({ color: "red", title, message: error.message, autoClose: 10_000 });
}

/** A button for an action; where it is not permitted it stays visible, and says why on hover and focus (GN-27). */
export function ActionButton({ refusal, onClick, children, ...rest }: ButtonProps & {
  refusal?: string | null;
  onClick: () => void;
  children: ReactNode;
}) {
  const button = (
    <Button
      size="xs" variant="default" {...rest} data-disabled={refusal != null || undefined} aria-disabled={refusal != null || undefined}
      onClick={() => { if (refusal == null) onClick(); }}
    >
      {children}
    </Button>
  );
  return refusal == null ? button : <Tooltip label={refusal} multiline maw={360} events={{ hover: true, focus: true, touch: true }}>{button}</Tooltip>;
}
