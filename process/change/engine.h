/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Library patches in one running process: what suture-process and its daemon do to it.
 *
 * Every call may be interrupted by death at any instant: the process goes on as it was, and proc_repair() (or the next call)
 * finds in the process's own memory what was begun (change/record.h). No call leaves a process stopped. docs/internals/process.md.
 */
#ifndef SUTURE_PROCESS_CHANGE_ENGINE_H
#define SUTURE_PROCESS_CHANGE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "patch/container.h"
#include "patch/library.h"
#include "patch/manifest.h"

/* A patch file, opened: what is applied. */
struct proc_patch {
	struct sut_patch *container;
	struct sut_manifest *manifest;
	struct sut_library *library;
	uint8_t sha256[32]; /* of the whole file */
};

/* -EBADMSG, -EPROTONOSUPPORT; -EINVAL (reason "kind") for a patch of a kernel. No signature is looked at here. */
int proc_patch_parse(const void *data, size_t len, struct proc_patch **ret,
		     struct sut_err *err) _must_check_;
void proc_patch_free(struct proc_patch *p);
void proc_patch_freep(struct proc_patch **p);

struct proc_options {
	uint32_t deadline_us; /* of one stop of all threads; 0: 50,000 */
	uint32_t
		tries; /* when somebody is inside of an old function: with pauses of 1, 2, 4 … 64 ms; 0: 12 */
	bool each_function; /* switch functions one by one as they become free, instead of the set at once */
	int8_t scan_heap; /* also look at words of private writable memory: 1 yes, 0 no, -1: when makecontext is in use */
	bool init; /* PID 1 may be touched */
	/*
	 * By the calling thread, instead of one that is made for it: for whoever does many. It blocks all signals, has no children, and ends
	 * when proc_result.stuck says so.
	 */
	bool here;
	/* The process, just looked at: what it says is not read again. Used up by the first call. NULL. */
	struct proc_view *seen;
};

/* Words for what happened to a process; docs/formats/library.md has the list with what to do. */
struct proc_result {
	char reason
		[32]; /* "applied", "current", "replaced", "reverted", "repaired", "not-mapped", "busy", "traced", … */
	char text[256];	   /* for people: with names and numbers; "" when all is well */
	bool again;	   /* trying later may help */
	uint64_t stop_ns;  /* from the first INTERRUPT to the last DETACH, of the longest stop */
	uint64_t total_ns; /* with everything before and after */
	uint32_t threads;  /* that were stopped */
	uint32_t stops, tries;
	uint32_t mappings; /* of the target in the process: with dlmopen more than one */
	bool stuck; /* somebody could not be let go, which the kernel does when the calling thread ends (options.here) */
};

/*
 * Brings every mapping of the patch's target in process pid to this patch, from whatever is there: nothing, or another one of
 * ours (replaced in one stop). 0: it runs the patch now ("applied", "replaced") or did before ("current"). Errors: the
 * process is as it was, r->reason says why, and err the same. -EBUSY "busy", "traced", "frozen", "uninterruptible"; -ESRCH "gone";
 * -ENOENT "not-mapped"; -EBADMSG "mismatch" (with function and offset); -ENOMEM "no-room", "memory-limit"; -EPERM "no-ptrace";
 * -EOPNOTSUPP "32-bit", "goroutines", "seccomp", …
 */
int proc_apply(pid_t pid, const struct proc_patch *p, const struct proc_options *o,
	       struct proc_result *r, struct sut_err *err) _must_check_;

/* Takes out what of ours is applied to that target: 0 "reverted", or "current" when there is nothing. */
int proc_revert(pid_t pid, const uint8_t build_id[static SUT_LIBRARY_BUILD_ID_LEN],
		const struct proc_options *o, struct proc_result *r,
		struct sut_err *err) _must_check_;

/* Ends what a dead patcher began, forwards when all jumps are there, else backwards. 0 "repaired" or "current". */
int proc_repair(pid_t pid, const struct proc_options *o, struct proc_result *r,
		struct sut_err *err) _must_check_;

/*
 * The same while the target is being loaded: the caller has seized thread tid of the process and holds it at the end of a system
 * call, and nobody has run a function of the target yet (it was mapped by this very call of mmap(), or by this exec). Nothing is
 * seized, stopped or detached here, and other threads of the process, which cannot be inside of it, run on. Mappings that are
 * patched already are left as they are. The target may not be relocated yet: then imports and unwind tables (library->nimports,
 * ->frames) are not possible, and callers hold the thread until its RELRO is read-only.
 */
int proc_apply_held(pid_t pid, pid_t tid, const struct proc_patch *p, const struct proc_options *o,
		    struct proc_result *r, struct sut_err *err) _must_check_;

/* ---- looking ---- */

/* An ELF file that is mapped executable in a process, known by its build-id in memory. */
struct proc_file {
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	char path
		[256]; /* as the kernel tells it, in the process's own mount namespace; cut at the end */
	bool deleted;
	uint64_t bias;
	uint64_t dev, ino;
	/* What of ours is applied to it. level 0: nothing. */
	uint32_t level;
	char patch[64];
	uint8_t sha256[32];
	bool half; /* begun and not ended, or somebody has changed it since: not to be relied on */
};

struct proc_view {
	pid_t pid;
	uint64_t starttime; /* field 22 of /proc/PID/stat: with the pid the identity of a process */
	uid_t uid;
	char comm[32], exe[256];
	struct proc_file *files;
	size_t nfiles;
	struct proc *p; /* for proc_options.seen; NULL: used up */
};

/*
 * Looks without stopping. wanted (n build-ids; NULL: all): only files with one of them are reported. -ESRCH gone or a zombie,
 * -EPERM, -EOPNOTSUPP (reason "kernel-thread", "32-bit").
 */
int proc_look(pid_t pid, const uint8_t (*wanted)[SUT_LIBRARY_BUILD_ID_LEN], size_t n,
	      struct proc_view *ret, struct sut_err *err) _must_check_;
void proc_view_release(struct proc_view *v);

#endif
