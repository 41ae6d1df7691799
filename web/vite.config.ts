import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

const OUT = process.env.PAGE_FOLDER ?? "../easymaker_local/page";
// Smaller files cost more in headers than they save.
const LEAST_BYTES = 1024;

/** Writes each asset compressed beside itself, once, so that the daemon never compresses anything. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      const assets = join(OUT, "assets");
      for (const name of readdirSync(assets)) {
        const text = readFileSync(join(assets, name));
        if (!/\.(js|css|svg)$/.test(name) || text.length < LEAST_BYTES) continue;
        writeFileSync(join(assets, `${name}.gz`), gzipSync(text, { level: 9 }));
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed()],
  resolve: { tsconfigPaths: true },
  build: { outDir: OUT, emptyOutDir: true, assetsInlineLimit: 0, chunkSizeWarningLimit: 1200, license: { fileName: "licenses.md" } },
  server: { proxy: { "^/(v1.0|login|logout|health)": "http://127.0.0.1:10090" } },
  test: { environment: "jsdom", globals: true, setupFiles: ["src/testing/setup.ts"], css: false, restoreMocks: true },
});
