/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first look at a process, as cheap as can be: most have nothing that a patch is for. One reading of /proc/PID/maps, and one system call for
 * the first bytes of all files that it runs code of.
 *
 * Nothing is remembered from one process for another: a process could show a file under the name of another one, and what it
 * shows must count for itself alone.
 */
#ifndef SUTURE_PROCESS_SERVE_GLANCE_H
#define SUTURE_PROCESS_SERVE_GLANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "patch/library.h"

enum {
	GLANCE_FILES_MAX = 4096, /* of one process; more are not looked at */
	GLANCE_HEAD = 2048,	 /* bytes that are read of each */
	GLANCE_TEXT_MAX = 64 << 20,
};

struct glance_file {
	uint64_t start, end; /* of its first mapping */
	uint64_t dev, ino;
	size_t path, path_len; /* in the text */
	bool exec, deleted;
	bool known; /* build_id is there */
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
};

/* Belongs to one thread and is used again for each process. Zero-initialise. */
struct glance {
	struct sut_buf text;
	struct glance_file *files;
	size_t nfiles, room;
	uint8_t *heads;
	bool image;  /* it has an anonymous mapping of code: one of ours, perhaps */
	bool unsure; /* something could not be seen: look again with more care */
};

/* What maps shows, into g->files (exec ones only) and g->image: a pure function of g->text. -ENOMEM. */
int glance_parse(struct glance *g) _must_check_;

/* 1, and the build-id, when the first bytes of an ELF file have it; 0 when it has none, or one that is no SHA-1; -EAGAIN when it lies
 * behind len. A pure function. */
int glance_build_id(const uint8_t *head, size_t len,
		    uint8_t ret[static SUT_LIBRARY_BUILD_ID_LEN]) _must_check_;

/* 0, also for a thread of the kernel (no files). -ESRCH it is gone; -EACCES; -EFBIG: it has too many mappings; what keeps
 * us from reading at all (-EMFILE, -ENOMEM …). */
int glance_process(struct glance *g, pid_t pid) _must_check_;

/* Its path, not ended by NUL. */
const char *glance_path(const struct glance *g, const struct glance_file *f);

void glance_release(struct glance *g);

#endif
