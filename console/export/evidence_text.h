/* SPDX-License-Identifier: Apache-2.0 */
/* README.md of the evidence: what is in it, and the commands that check it. */
#ifndef SUTURE_CONSOLE_EXPORT_EVIDENCE_TEXT_H
#define SUTURE_CONSOLE_EXPORT_EVIDENCE_TEXT_H

extern const char evidence_readme[];

#endif
