import { defineConfig } from "@hey-api/openapi-ts";

export default defineConfig({
  input: process.env.OPENAPI ?? "openapi.json",
  output: { path: "src/lib/api/generated", clean: true },
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk", { name: "zod", requests: true, responses: false, definitions: true }],
});
