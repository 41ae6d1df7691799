import { arranged } from "./components/trialTable";
import { makeTrial } from "./testing";

const trials = [
  makeTrial({ number: 1, objectiveValue: 0.5, lr: "0.1" }), makeTrial({ number: 2, objectiveValue: null, trialStatusCode: "FAILED", lr: "0.01" }),
  makeTrial({ number: 3, objectiveValue: 0.25, lr: "1e-3" }), makeTrial({ number: 10, objectiveValue: 0.75, lr: "0.02" }),
];
const numbers = (sortBy: string, sortOrder: "ASC" | "DESC" = "ASC", more: { keyword?: string; statuses?: string[] } = {}) =>
  arranged(trials, { keyword: "", statuses: [], sortBy, sortOrder, ...more }).map(({ number }) => number);

describe("the order of trials", () => {
  it("is that of numbers, not of texts", () => {
    expect(numbers("number", "DESC")).toEqual([10, 3, 2, 1]);
    expect(numbers("parameter:lr")).toEqual([3, 2, 10, 1]);
  });

  it("has trials without a value last, whichever way it goes", () => {
    expect(numbers("objective")).toEqual([3, 1, 10, 2]);
    expect(numbers("objective", "DESC")).toEqual([10, 1, 3, 2]);
  });

  it("leaves out what does not meet the conditions", () => {
    expect(numbers("number", "ASC", { statuses: ["FAILED"] })).toEqual([2]);
    expect(numbers("number", "ASC", { keyword: "IRIS-10" })).toEqual([10]);
  });
});
