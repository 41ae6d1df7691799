import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "./global.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import * as z from "zod";

import { startTexts } from "@/lib/i18n";

import { App } from "./App";

// The page's policy forbids code made from text, which zod would try.
z.config({ jitless: true });

await startTexts();
const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root element.");
createRoot(root).render(<StrictMode><App /></StrictMode>);
