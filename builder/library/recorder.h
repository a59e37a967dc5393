/* SPDX-License-Identifier: Apache-2.0 */
/* What suture-record writes: records to DIR/log (record.h), contents to DIR/store, what went wrong to DIR/errors. Part of that program. */
#ifndef SUTURE_BUILDER_LIBRARY_RECORDER_H
#define SUTURE_BUILDER_LIBRARY_RECORDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Set by main(). */
extern char record_dir[PATH_MAX]; /* DIR */
extern const char *record_tool;	  /* our own name */

void __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...);

/* Adds "key=value" and a NUL to the record. */
void record_add(const char *key, const char *value, size_t len);
void record_add_str(const char *key, const char *value);
/* Appends the record to the log; kind: "cc" or "ld". */
void record_append(const char *kind);

struct content {
	uint8_t *data;
	size_t len;
};

/* Maps a file that has contents; munmap() it. False: it is none, or too large. */
bool record_map(const char *path, struct content *ret);
/* Keeps a content under the name of its hash. */
bool record_keep(const uint8_t *data, size_t len, const char *name);

/* The path without links and dots, as far as it is there. */
const char *whole_path(const char *path, char buf[static PATH_MAX]);

#endif
