/* SPDX-License-Identifier: Apache-2.0 */
/* Are the types of events that a program tells of, those that may be asked for and those of docs/formats/webhooks.md the same? */
#ifndef SUTURE_TESTS_EVENT_DOC_H
#define SUTURE_TESTS_EVENT_DOC_H

/* events: those of the program, in the order of the alphabet, ended by NULL. begin: the line before the program's table. folders: where its
 * sources are, ended by NULL; lists of types in them (event_types[]) do not count as telling. */
void event_doc(const char *const *events, const char *begin, const char *const *folders);

#endif
