/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and layouts of kernel structures, from the image's BTF. */
#ifndef SUTURE_BUILDER_BTF_H
#define SUTURE_BUILDER_BTF_H

#include <stddef.h>

#include "base/err.h"
#include "target/profile.h"

/* data: the contents of the section .BTF. A record that is not there gets size
 * 0; a struct module that is not there, or lacks a field, is -EBADMSG. */
int sut_btf_read(const void *data, size_t len, struct sut_record_sizes *ret_sizes,
		 struct sut_module_layout *ret_module, struct sut_err *err) _must_check_;

#endif
