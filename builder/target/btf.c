// SPDX-License-Identifier: Apache-2.0
#include "target/btf.h"

#include <bpf/btf.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/str.h"

static void freep_btf(struct btf **b)
{
	if (*b)
		btf__free(*b);
}

static uint32_t record_size(const struct btf *b, const char *name)
{
	__s32 id = btf__find_by_name_kind(b, name, BTF_KIND_STRUCT);
	__s64 size = id > 0 ? btf__resolve_size(b, (__u32)id) : 0;

	return size > 0 && size <= INT_MAX ? (uint32_t)size : 0;
}

static bool member(const struct btf *b, const struct btf_type *t, const char *name,
		   uint32_t *ret_off, uint32_t *ret_size)
{
	const struct btf_member *m = btf_members(t);

	for (__u32 i = 0; i < btf_vlen(t); i++) {
		__s64 size;

		if (!sut_streq(btf__name_by_offset(b, m[i].name_off), name))
			continue;
		size = btf__resolve_size(b, m[i].type);
		if (size <= 0 || size > INT_MAX)
			return false;
		*ret_off = btf_member_bit_offset(t, i) / 8;
		if (ret_size)
			*ret_size = (uint32_t)size;
		return true;
	}
	return false;
}

int sut_btf_read(const void *data, size_t len, struct sut_record_sizes *ret_sizes,
		 struct sut_module_layout *ret_module, struct sut_err *err)
{
	_cleanup_(freep_btf) struct btf *b = NULL;
	struct sut_module_layout m = {0};
	const struct btf_type *t;
	__s32 id;

	if (len > INT_MAX)
		return sut_err_set(err, EFBIG, "the type information of the image is too large");
	b = btf__new(data, (__u32)len);
	if (!b)
		return sut_err_set(err, EBADMSG,
				   "the type information (.BTF) of the image is "
				   "damaged");
	id = btf__find_by_name_kind(b, "module", BTF_KIND_STRUCT);
	t = id > 0 ? btf__type_by_id(b, (__u32)id) : NULL;
	if (!t || !member(b, t, "name", &m.name_off, &m.name_size) ||
	    !member(b, t, "init", &m.init_off, NULL) || !member(b, t, "exit", &m.exit_off, NULL))
		return sut_err_set(err, EBADMSG,
				   "the type information of the image does not describe "
				   "struct module; a kernel with loadable modules is needed");
	m.size = t->size;
	*ret_module = m;
	*ret_sizes = (struct sut_record_sizes){
		.alt_instr = record_size(b, "alt_instr"),
		.bug_entry = record_size(b, "bug_entry"),
		.exception_table_entry = record_size(b, "exception_table_entry"),
		.jump_entry = record_size(b, "jump_entry"),
		.static_call_site = record_size(b, "static_call_site"),
		.paravirt_patch_site = record_size(b, "paravirt_patch_site"),
		.orc_entry = record_size(b, "orc_entry"),
	};
	return 0;
}
