import importX from "eslint-plugin-import-x";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** `lib`, `components`, `features`, `app`: each may use what stands before it, and features do not know each other. */
const zones = [
  { target: "./src/lib", from: ["./src/components", "./src/features", "./src/app"] },
  { target: "./src/components", from: ["./src/features", "./src/app"] },
  { target: "./src/features", from: ["./src/app"] },
];

export default tseslint.config(
  { ignores: ["src/lib/api/generated", "node_modules"] },
  ...tseslint.configs.strict,
  reactHooks.configs.flat["recommended-latest"],
  jsxA11y.flatConfigs.recommended,
  {
    plugins: { "import-x": importX },
    rules: {
      "import-x/no-restricted-paths": ["error", { zones }],
      "@typescript-eslint/consistent-type-imports": "error",
      "jsx-a11y/no-autofocus": "off",
    },
  },
);
