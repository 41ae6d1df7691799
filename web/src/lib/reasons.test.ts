import { changeLanguage } from "./i18n";
import { reasonName, reasonText } from "./reasons";

describe("reasons", () => {
  const full = { code: "WAITING_FOR_RESOURCES", message: "Waits for 2 vCPUs." };

  it("are told in the daemon's words, and named where another language is read (GN-26)", async () => {
    expect(reasonText(full)).toBe("Waits for 2 vCPUs.");
    await changeLanguage("ja");
    expect(reasonText(full)).toBe("リソースの空き待ち: Waits for 2 vCPUs.");
    await changeLanguage("ko");
    expect(reasonName(full.code)).toBe("리소스 여유 대기 중");
    expect(reasonText({ ...full, code: null })).toBe("Waits for 2 vCPUs.");
  });

  it("that are newer than the page are shown as they are", () => {
    expect(reasonName("toString")).toBe("toString");
    expect(reasonName("SUN_TOO_HOT")).toBe("SUN TOO HOT");
  });
});
