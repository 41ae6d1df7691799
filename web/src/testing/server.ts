/** The daemon as tests see it: answers at the HTTP edge. A request that no test expects is an error. */
import { http, HttpResponse, type HttpHandler, type JsonBodyType } from "msw";
import { setupServer } from "msw/node";

import { APPKEY } from "@/lib/api/client";
import type { FieldFault } from "@/lib/api/client";
import type { MachineView, SystemView } from "@/lib/api/generated/types.gen";

/** Where a route of the API is, such as `api("/trainings/:id")`. */
export const api = (path: string): string => `*/v1.0/appkeys/${APPKEY}${path}`;

/** An answer in its envelope (rest-api §1.4). */
export const success = (body: Record<string, JsonBodyType> = {}) =>
  HttpResponse.json({ header: { isSuccessful: true, resultCode: 0, resultMessage: "SUCCESS" }, ...body });

/** A refusal in its envelope. */
export const refusal = (status: number, message: string, fieldErrors: FieldFault[] = [], errorCode = "REFUSED") =>
  HttpResponse.json({ header: { isSuccessful: false, resultCode: status, resultMessage: message }, errorCode, hint: null, fieldErrors: fieldErrors as unknown as JsonBodyType }, { status });

export const SYSTEM: SystemView = {
  version: "1.0.0", driver: "process", pid: 4711, startedDatetime: "2026-01-31T08:00:00Z", appKey: "local", region: "local",
  tenantId: "local", userId: "easymaker", apiUrl: "http://127.0.0.1:10090", gatewayUrl: "https://127.0.0.1:10443", home: "/home/me/.local/share/easymaker-local",
  configFile: "/home/me/.config/easymaker-local/config.toml", tokenFile: "/home/me/.local/share/easymaker-local/token",
  vcpus: 8, memoryMib: 32768, bookedVcpus: 0, bookedMemoryMib: 0, unfinishedTrainings: 0, endpointCount: 0, modelServerCount: 0,
};

export const MACHINE: MachineView = {
  vcpus: 8, bookedVcpus: 2, freeVcpus: 6, memoryMib: 32768, bookedMemoryMib: 8192, freeMemoryMib: 24576,
  diskBytes: 1e12, freeDiskBytes: 4e11, gpuList: [], gpuError: null, queueLength: 0,
};

/** What the frame of every page asks for; a test gives other answers by `server.use(...)`. */
const frame: HttpHandler[] = [
  http.get(api("/system"), () => success({ system: SYSTEM as unknown as JsonBodyType })),
  http.get(api("/machine"), () => success({ machine: MACHINE as unknown as JsonBodyType })),
];

export const server = setupServer(...frame);
