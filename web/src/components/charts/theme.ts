/** Colours of charts, light and dark. Told apart without red and green, and against either ground. */
const LIGHT = ["#1c7ed6", "#e8590c", "#0c8599", "#9c36b5", "#5c940d", "#c2255c", "#495057", "#b08900"];
const DARK = ["#4dabf7", "#ffa94d", "#3bc9db", "#da77f2", "#a9e34b", "#f783ac", "#ced4da", "#ffe066"];

/** From worse to better, the same to eyes that see no red. */
export const SCALE = ["#3b528b", "#21918c", "#5ec962", "#fde725"];

/** What charts are drawn on: the page. */
export const groundOf = (scheme: "light" | "dark"): string => (scheme === "dark" ? "#242424" : "#ffffff");

export function themeOf(scheme: "light" | "dark"): object {
  const isDark = scheme === "dark";
  const [text, faint, line, ground] = isDark ? ["#c9c9c9", "#909296", "#424242", "#2e2e2e"] : ["#343a40", "#6c757d", "#e9ecef", "#ffffff"];
  const axis = {
    axisLine: { lineStyle: { color: faint } }, axisTick: { lineStyle: { color: faint } }, axisLabel: { color: faint },
    nameTextStyle: { color: faint }, splitLine: { lineStyle: { color: line } },
  };
  const pages = { pageIconColor: text, pageIconInactiveColor: line, pageTextStyle: { color: faint } };
  return {
    darkMode: isDark, color: isDark ? DARK : LIGHT, backgroundColor: "transparent",
    textStyle: { color: text, fontFamily: "system-ui, sans-serif" },
    legend: { textStyle: { color: text }, inactiveColor: line, ...pages },
    tooltip: { backgroundColor: ground, borderColor: line, textStyle: { color: text, fontSize: 12 } },
    axisPointer: { lineStyle: { color: faint }, crossStyle: { color: faint } },
    visualMap: { textStyle: { color: text } },
    categoryAxis: axis, valueAxis: axis, timeAxis: axis, logAxis: axis, parallelAxis: axis,
  };
}
