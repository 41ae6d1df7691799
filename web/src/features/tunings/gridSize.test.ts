import { gridSize, specifiedValues, valueCount } from "./gridSize";

const range = (low: string, high: string, step: string) =>
  ({ hyperparameterName: "lr", hyperparameterTypeCode: "double" as const, hyperparameterMinValue: low, hyperparameterMaxValue: high, hyperparameterStep: step });
const words = (text: string) => ({ hyperparameterName: "opt", hyperparameterTypeCode: "categorical" as const, hyperparameterSpecifiedValues: text });

describe("the size of a grid (HP-L03)", () => {
  it.each([
    ["0.01", "0.05", "0.01", 5n], ["0.1", "0.3", "0.1", 3n], ["1e-3", "1e-2", ".001", 10n], ["-1", "1", "0.5", 5n], ["1", "10", "4", 3n], ["7", "7", "1", 1n],
    ["0", "1", "0.000000000000001", 1_000_000_000_000_001n],
  ])("counts %s to %s by %s exactly", (low, high, step, count) => {
    expect(valueCount(range(low, high, step))).toBe(count);
  });

  it.each([["1", "0", "1"], ["0", "1", "0"], ["0", "1", "-1"], ["", "1", "1"], ["a", "1", "1"], ["0", "1", ""]])("does not know %s to %s by %s", (low, high, step) => {
    expect(valueCount(range(low, high, step))).toBeNull();
  });

  it("takes each value of a list once, without the blanks round it (HP-17)", () => {
    expect(specifiedValues(" sgd, adam,, sgd ")).toEqual(["sgd", "adam"]);
  });

  it("multiplies, and is unknown while anything is not filled in", () => {
    expect(gridSize([range("1", "4", "1"), words("sgd, adam")])).toBe(8n);
    expect(gridSize([range("1", "4", "1"), words("")])).toBeNull();
    expect(gridSize([])).toBeNull();
  });
});
