// SPDX-License-Identifier: Apache-2.0
// Runs before the first paint, so that a chosen theme does not flash in. A file of its own because
// the content security policy allows no inline script.
(function () {
	try {
		var theme = localStorage.getItem("suture-theme");
		if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
	} catch (e) {
		// Storage is switched off: the system's theme then.
	}
})();
