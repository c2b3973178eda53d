// Lints the demo and the lab too, so that `make demo` need not install a linter.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/node_modules/", "lab/report/"] },
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
  { files: ["demo/public/**", "lab/chat/page/**", "lab/lib/report/script.js"], languageOptions: { globals: globals.browser } },
  // Sentences, written whole.
  { files: ["lab/lib/report/words.mjs"], rules: { "max-len": "off" } },
  { files: ["tests/browser/**"], languageOptions: { globals: globals.browser } },
];
