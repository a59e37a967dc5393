// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";
import { App } from "./app";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/table.css";
import "./styles/pages.css";

const root = document.getElementById("app");
if (root) render(<App />, root);
