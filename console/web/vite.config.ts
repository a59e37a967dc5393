// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vitest/config";

// What comes out is served under a content security policy without inline script or style and
// without data: URLs, so nothing is inlined. Where it goes is said by scripts/web.
export default defineConfig({
	esbuild: { jsx: "automatic", jsxImportSource: "preact" },
	build: {
		target: "es2022",
		assetsInlineLimit: 0,
		modulePreload: false,
		cssCodeSplit: false,
		reportCompressedSize: false,
		chunkSizeWarningLimit: 600,
	},
	test: { include: ["test/**/*.test.ts"], setupFiles: ["test/setup.mjs"] },
});
