/* SPDX-License-Identifier: Apache-2.0 */
/* suture.ko and payloads: loading, unloading, and the ioctls of /dev/suture. */
#ifndef SUTURE_AGENT_ENGINE_H
#define SUTURE_AGENT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "uapi/suture.h"

#define SUT_DEVICE "/dev/suture"

struct sut_engine {
	int fd;	     /* -1: not loaded */
	bool loaded; /* by us */
};

#define SUT_ENGINE_INIT ((struct sut_engine){.fd = -1})

/* -ENOENT when the engine is not loaded; -EPROTONOSUPPORT (reason "abi") when
 * it speaks another ABI. */
int sut_engine_open(struct sut_engine *e, struct sut_err *err) _must_check_;

/* Opens it, and loads it before when need be: from path, or (NULL) from the
 * running kernel's module folder. */
int sut_engine_get(struct sut_engine *e, const char *path, struct sut_err *err) _must_check_;

/* The same with a suture.ko that is in memory. what names it in messages. */
int sut_engine_get_data(struct sut_engine *e, const char *what, const void *ko, size_t len,
			struct sut_err *err) _must_check_;

/* Closes it, and unloads it when we had loaded it and unload is set. */
void sut_engine_put(struct sut_engine *e, bool unload);

int sut_engine_status(const struct sut_engine *e, struct suture_status *ret,
		      struct sut_err *err) _must_check_;

/*
 * The answer of the engine is in *ret_result: 0 and SUTURE_OK, or a negative
 * errno and a SUTURE_E_* outcome, or a negative errno and SUTURE_OK when the
 * engine could not even be asked. Texts in the result are terminated and
 * printable. err is filled in both cases of failure.
 */
int sut_engine_verify(const struct sut_engine *e, const void *table, size_t len,
		      struct suture_result *ret_result, struct sut_err *err) _must_check_;
int sut_engine_apply(const struct sut_engine *e, const char *module, bool dry_run,
		     struct suture_result *ret_result, struct sut_err *err) _must_check_;
int sut_engine_revert(const struct sut_engine *e, struct suture_result *ret_result,
		      struct sut_err *err) _must_check_;

/* finit_module from a memfd. what names it in messages. */
int sut_module_load(const char *what, const void *data, size_t len,
		    struct sut_err *err) _must_check_;

/* delete_module; waits a moment for short-lived references. -ENOENT when it
 * is not there, -EBUSY when it stays in use. */
int sut_module_unload(const char *name, struct sut_err *err) _must_check_;

/* Unloads the payloads that nothing holds, as an apply that was killed leaves them behind;
 * not the one named except. Returns how many. */
size_t sut_engine_unload_idle(const char *except);

#endif
