import { Box } from "@mantine/core";
import { memo, useLayoutEffect, useMemo, useRef, useState, type UIEvent } from "react";
import { useTranslation } from "react-i18next";

import { isError, type LogText } from "@/lib/logText";

import { LINE_CHARACTERS, LogRows } from "./logRows";
import classes from "./LogLines.module.css";

const ROW_PIXELS = 18;
// Browsers forget what lies beyond some 17 million pixels; a longer log scrolls in larger steps.
const MAXIMUM_PIXELS = 15_000_000;
const OVERSCAN_ROWS = 10;
const BASE_ROWS = 256;
const NUMBER_PADDING = 20;
const SCROLLBAR = 16;

/** A line to bring into sight; another object asks for it again. */
export interface Aim {
  line: number;
}

interface View {
  top: number;
  height: number;
  width: number;
  /** Width of one character. */
  letter: number;
}

/** The lines of a log that are in sight. Only these are drawn, whatever the log's length. */
export function LogLines({ text, version, isWrapped, isFollowing, onFollow, pattern, aim }: {
  text: LogText;
  /** Changes whenever the text has. */
  version: number;
  isWrapped: boolean;
  isFollowing: boolean;
  /** Somebody scrolled to the end, or away from it. */
  onFollow: (isFollowing: boolean) => void;
  pattern: RegExp | null;
  aim: Aim | null;
}) {
  const { t } = useTranslation("logViewer");
  const frame = useRef<HTMLDivElement>(null);
  const ruler = useRef<HTMLSpanElement>(null);
  const [view, setView] = useState<View>({ top: 0, height: 400, width: 800, letter: 7.2 });
  const digits = String(Math.max(text.lineCount, 1000)).length;
  const gutter = digits * view.letter + NUMBER_PADDING;
  const columns = isWrapped ? Math.max(20, Math.floor((view.width - gutter - SCROLLBAR) / view.letter)) : null;
  const rows = useMemo(() => new LogRows(text, columns), [text, columns]);
  const whole = rows.total * ROW_PIXELS;
  const drawn = Math.min(whole, MAXIMUM_PIXELS);
  // Where the view begins in the whole, which may be longer than what the browser scrolls.
  const scale = drawn > view.height ? (whole - view.height) / (drawn - view.height) : 1;
  const top = Math.max(0, Math.min(view.top * scale, whole - view.height));

  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const measure = (): void => {
      const letter = (ruler.current?.getBoundingClientRect().width ?? 0) / 100;
      setView((now) => ({ ...now, height: element.clientHeight || 400, width: element.clientWidth || 800, letter: letter || 7.2 }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => { observer.disconnect(); };
  }, []);

  useLayoutEffect(() => {
    if (isFollowing && frame.current !== null) frame.current.scrollTop = frame.current.scrollHeight;
  }, [isFollowing, version, drawn, view.height]);

  const shownAim = useRef<Aim | null>(null);
  useLayoutEffect(() => {
    if (aim === null || shownAim.current === aim || frame.current === null) return;
    shownAim.current = aim;
    const place = rows.before(aim.line) * ROW_PIXELS;
    frame.current.scrollTop = Math.max(0, (place - view.height / 3) / scale);
  }, [aim, rows, scale, view.height]);

  const lastTop = useRef(0);
  const onScroll = (event: UIEvent<HTMLDivElement>): void => {
    const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - ROW_PIXELS;
    if (isAtEnd !== isFollowing && (isAtEnd || scrollTop < lastTop.current)) onFollow(isAtEnd);
    lastTop.current = scrollTop;
    setView((now) => ({ ...now, top: scrollTop }));
  };

  const firstRow = Math.max(0, Math.floor(top / ROW_PIXELS) - OVERSCAN_ROWS);
  // Lines stand relative to a row that seldom changes, so that scrolling moves them all at once.
  const base = firstRow - (firstRow % BASE_ROWS);
  const lastRow = Math.ceil((top + view.height) / ROW_PIXELS) + OVERSCAN_ROWS;
  const lines: number[] = [];
  for (let line = rows.lineAt(firstRow); line < text.lineCount && rows.before(line) <= lastRow; line += 1) lines.push(line);

  return (
    <Box ref={frame} className={classes.frame} onScroll={onScroll} tabIndex={0} role="log" aria-live="off" aria-label={t("lines")}>
      <span ref={ruler} className={classes.ruler} aria-hidden>{"0".repeat(100)}</span>
      <div className={classes.space} style={{ height: drawn }}>
        <div style={{ transform: `translateY(${String(view.top + base * ROW_PIXELS - top)}px)` }}>
          {lines.map((line) => {
            const place = rows.before(line);
            return (
              <Line
                key={line} number={line + 1} content={text.line(line)} top={(place - base) * ROW_PIXELS} height={(rows.before(line + 1) - place) * ROW_PIXELS}
                gutter={gutter} columns={columns} isChosen={aim?.line === line} pattern={pattern}
              />
            );
          })}
        </div>
      </div>
    </Box>
  );
}

/** Drawn anew only when it is another line or stands elsewhere. */
const Line = memo(function Line({ number, content, top, height, gutter, columns, isChosen, pattern }: {
  number: number;
  content: string;
  top: number;
  height: number;
  gutter: number;
  columns: number | null;
  isChosen: boolean;
  pattern: RegExp | null;
}) {
  const { t } = useTranslation("logViewer");
  const look = isChosen ? classes.chosen : isError(content) ? classes.error : "";
  const wrapped = columns === null ? "" : classes.wrapped;
  return (
    <div className={`${classes.line ?? ""} ${look ?? ""}`} style={{ top, height }}>
      <span className={classes.number} style={{ width: gutter }} aria-hidden>{number}</span>
      <span className={`${classes.text ?? ""} ${wrapped ?? ""}`} style={columns === null ? undefined : { width: `${String(columns)}ch` }}>
        <Marked text={content.slice(0, LINE_CHARACTERS)} pattern={pattern} />
        {content.length > LINE_CHARACTERS && ` … ${t("more", { count: content.length - LINE_CHARACTERS })}`}
      </span>
    </div>
  );
});

/** Text in which what was searched for stands out. */
function Marked({ text, pattern }: { text: string; pattern: RegExp | null }) {
  if (pattern === null) return text;
  const pieces: React.ReactNode[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    pieces.push(text.slice(end, match.index), <mark className={classes.hit} key={match.index}>{match[0]}</mark>);
    end = match.index + match[0].length;
  }
  return <>{pieces}{text.slice(end)}</>;
}
