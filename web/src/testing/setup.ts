import "@testing-library/jest-dom/vitest";

import { cleanup, configure } from "@testing-library/react";

import { changeLanguage, startTexts } from "@/lib/i18n";
import { client } from "@/lib/api/generated/client.gen";

import { forgetClients } from "./clients";
import { FakeEventSource } from "./eventSource";
import { server } from "./server";

// What browsers have and jsdom has not. Sizes, because virtual lists draw what fits.
class NoObserver {
  observe(): void { /* Nothing changes its size here. */ }
  unobserve(): void { /* As above. */ }
  disconnect(): void { /* As above. */ }
}
vi.stubGlobal("ResizeObserver", NoObserver);
vi.stubGlobal("EventSource", FakeEventSource);
window.matchMedia = (query: string): MediaQueryList => Object.assign(new EventTarget(), {
  matches: false, media: query, onchange: null, addListener: () => undefined, removeListener: () => undefined,
});
Element.prototype.scrollIntoView = () => undefined;
Element.prototype.scrollTo = () => undefined;
const [height, width] = [{ get: () => 800 }, { get: () => 1280 }];
Object.defineProperties(HTMLElement.prototype, { offsetHeight: height, offsetWidth: width, clientHeight: height, clientWidth: width });
Object.defineProperty(document, "fonts", { value: new EventTarget() });

// A busy machine takes its time; who waits for something waits until it comes.
configure({ asyncUtilTimeout: 20_000 });
vi.setConfig({ testTimeout: 120_000 });

const unexpected: string[] = [];
// Of the test that runs: what an earlier one asked last is nobody's.
const begun = new Set<string>();

beforeAll(async () => {
  server.listen({ onUnhandledFrame: "error" });
  server.events.on("request:start", ({ requestId }) => { begun.add(requestId); });
  server.events.on("request:unhandled", ({ request, requestId }) => {
    if (begun.has(requestId)) unexpected.push(`${request.method} ${request.url}`);
  });
  // Requests have no page here that their paths could belong to.
  client.setConfig({ baseUrl: window.location.origin });
  await startTexts();
});
afterEach(async () => {
  cleanup();
  forgetClients();
  // What was just asked for begins before the next test.
  await new Promise((resolve) => { setTimeout(resolve); });
  begun.clear();
  server.resetHandlers();
  await changeLanguage("en");
  localStorage.clear();
  // The page shows a request that failed as any other failure, where a test may not look.
  expect(unexpected.splice(0)).toEqual([]);
});
afterAll(() => { server.close(); });
