import { Span } from "@/components/Time";
import type { TrainingView } from "@/lib/api/generated/types.gen";

/** How long a training has run (TR-32). */
export function Elapsed({ training }: { training: TrainingView }) {
  if (training.startedDatetime === null) return "–";
  return training.isFinished ? <Span seconds={training.elapsedTimeSeconds} /> : <Span since={training.startedDatetime} />;
}
