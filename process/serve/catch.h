/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread that is about to load a file that a patch is for: followed with ptrace from its open() until the file is in place, patched, and
 * let go.
 *
 * The dynamic linker maps all segments of a file, one mmap() each, then those of the others, relocates them all, makes each one's
 * RELRO read-only, and only then runs code of them. A patch goes in when the last segment is mapped; one that needs relocated data
 * (imports, unwind tables) when RELRO is read-only. A program and its dynamic linker are there when execve() ends.
 *
 * Who opens the file to read it (cp, dpkg, ld) is let go at the first system call that no linker does.
 */
#ifndef SUTURE_PROCESS_SERVE_CATCH_H
#define SUTURE_PROCESS_SERVE_CATCH_H

#include "serve/serve.h"

enum {
	CATCH_FILES_MAX = 8,
	CATCH_HEAD = 4096, /* bytes of a file that are looked at */
	CATCH_STOPS_MAX = 2000,
	CATCH_READER_STOPS = 100, /* so many, and still not mapped: it only reads */
	CATCH_MS = 500,		  /* then it is let go, come what may */
};

/* What the headers of a file say. */
struct catch_elf {
	uint64_t low;		   /* vaddr of its first page */
	uint64_t relro, relro_end; /* vaddrs of whole pages; equal: none */
	uint32_t loads;		   /* PT_LOAD segments */
};

/* From the first bytes of a file. -ENOEXEC. A pure function. */
int catch_elf(const uint8_t *head, size_t len, struct catch_elf *ret) _must_check_;

struct catch_file {
	const struct wanted_patch *want;
	struct catch_elf elf;
	bool opening;	   /* the thread is in the very call */
	int fd;		   /* in the thread; -1: by execve() */
	uint64_t base;	   /* where the first page is mapped; 0: not yet */
	uint32_t mapped;   /* segments so far */
	bool exec, placed; /* code among them; all of them */
};

/* A thread that is held, or about to be. */
struct catch
{
	struct serve *s;
	struct wanted *w;  /* a reference, for as long as this is */
	_Atomic pid_t tid; /* an exec gives it another one */
	pid_t pid;
	uid_t uid; /* who it runs as */
	pthread_mutex_t
		lock; /* what follows: files that it opens are added by whoever reads the event */
	struct catch_file files[CATCH_FILES_MAX];
	size_t n;
};

/* Every thread that catches has one: wakes it from waitpid() when it has waited for too long. */
struct catch_alarm;
int catch_alarm_new(struct catch_alarm **ret) _must_check_;
void catch_alarm_free(struct catch_alarm *a);

struct catch_calls {
	void (*allow)(void *ctx);   /* c->tid may open the file: once, in any case */
	void (*release)(void *ctx); /* files are added no more; may be called twice */
	void *ctx;
};

/*
 * Seizes c->tid, which waits for permission to open c->files[0], and follows it to the end. The table learns of it later, when somebody
 * asks. false: it waits in the kernel where it cannot be stopped, and so not be let go either; that is done when the calling thread ends.
 */
bool catch_run(struct catch *c, struct catch_alarm *a, const struct catch_calls *calls);

#endif
