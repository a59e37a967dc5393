/* SPDX-License-Identifier: Apache-2.0 */
/* What makes an object a kernel module: .modinfo, __versions, struct module. */
#ifndef SUTURE_BUILDER_KMODULE_H
#define SUTURE_BUILDER_KMODULE_H

#include "kernel/emit.h"

/* The symbol __this_module; before anything refers to it. Its init and exit
 * fields are filled by sut_kmodule_finish(). */
int sut_kmodule_begin(struct sut_emitter *e, const char *name, struct sut_err *err) _must_check_;

/* .modinfo, the fields of struct module, and the versions of all symbols that
 * are undefined now. */
int sut_kmodule_finish(struct sut_emitter *e, const struct sut_payload_info *info,
		       struct sut_err *err) _must_check_;

#endif
