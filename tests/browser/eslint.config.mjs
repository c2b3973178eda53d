// Lints the demo too, so that `make demo` need not install a linter.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/node_modules/"] },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", caughtErrors: "none" }],
      "max-len": ["error", { code: 110, ignoreStrings: true, ignoreTemplateLiterals: true }],
      "max-lines": ["error", 300],
    },
    languageOptions: { ecmaVersion: 2024, globals: globals.node },
  },
  { files: ["demo/public/**"], languageOptions: { globals: globals.browser } },
  { files: ["tests/browser/**"], languageOptions: { globals: globals.browser } },
];
