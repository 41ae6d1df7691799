import { act, renderHook } from "@testing-library/react";
import * as z from "zod";

import { ApiError } from "@/lib/api/client";

import { useCreation } from "./creation";

const TAKEN = new ApiError(422, "INVALID", "The request is not valid.", null, [{ field: "name", message: "is taken" }]);

function shown(check: () => Promise<unknown>) {
  const options = { name: "thing", initial: { name: "" }, schema: z.object({ name: z.string() }), check, create: () => Promise.reject(TAKEN) };
  return renderHook(() => useCreation(options)).result;
}

describe("what a creation was refused for", () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });

  test("stays at its field, whatever a check finds that was asked for before", async () => {
    let answer = (): void => undefined;
    const result = shown(() => new Promise<void>((resolve) => { answer = resolve; }));
    act(() => { result.current.form.setFieldValue("name", "demo"); });
    await act(() => vi.advanceTimersByTimeAsync(1000));
    await act(async () => { result.current.submit(); await Promise.resolve(); });
    expect(result.current.form.errors).toEqual({ name: "is taken" });
    await act(async () => { answer(); await Promise.resolve(); });
    expect(result.current.form.errors).toEqual({ name: "is taken" });
  });

  test("stays also if the check was still to come, and goes with what is typed next", async () => {
    const check = vi.fn(() => Promise.resolve());
    const result = shown(check);
    act(() => { result.current.form.setFieldValue("name", "demo"); });
    await act(async () => { result.current.submit(); await Promise.resolve(); });
    await act(() => vi.advanceTimersByTimeAsync(1000));
    expect(check).not.toHaveBeenCalled();
    expect(result.current.form.errors).toEqual({ name: "is taken" });
    act(() => { result.current.form.setFieldValue("name", "demo2"); });
    await act(() => vi.advanceTimersByTimeAsync(1000));
    expect(check).toHaveBeenCalledOnce();
    expect(result.current.form.errors).toEqual({});
  });
});
