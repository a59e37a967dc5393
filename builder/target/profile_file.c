// SPDX-License-Identifier: Apache-2.0
#include "target/profile_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "target/btf.h"
#include "target/kallsyms.h"
#include "target/modinfo.h"
#include "target/vmlinux.h"
#include "target/vmlinuz.h"

static void freep_json(json_t **j)
{
	json_decref(*j);
}

int sut_profile_file_write(const char *dir, const struct sut_profile_origin *o, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/" SUT_PROFILE_FILE, dir);
	_cleanup_(sut_freep) char *image = sut_sprintf("%s/vmlinux", dir);
	_cleanup_(sut_freep) char *mods = sut_sprintf("%s/image/lib/modules", dir);
	_cleanup_(sut_freep) char *vermagic = NULL, *text = NULL;
	_cleanup_buf_ struct sut_buf elf = SUT_BUF_INIT(SUT_VMLINUX_MAX);
	_cleanup_(sut_vmlinux_release) struct sut_vmlinux v = {0};
	_cleanup_(sut_kallsyms_release) struct sut_kallsyms k = {0};
	_cleanup_(freep_json) json_t *j = NULL;
	const struct sut_vmlinux_section *btf, *ro;
	char build_id[2 * SUT_BUILD_ID_LEN + 1];
	struct sut_record_sizes sizes;
	struct sut_module_layout m;
	int r;

	if (!path || !image || !mods)
		return sut_err_oom(err);
	r = sut_file_read(image, &elf, err);
	if (r == 0)
		r = sut_vmlinux_parse(elf.data, elf.len, &v, err);
	if (r < 0)
		return r;
	btf = sut_vmlinux_section(&v, ".BTF");
	ro = sut_vmlinux_section(&v, ".rodata");
	if (!btf || !btf->data || !ro || !ro->data)
		return sut_err_set(err, EBADMSG,
				   "the image has no type information (.BTF); a kernel with "
				   "CONFIG_DEBUG_INFO_BTF is needed");
	r = sut_btf_read(btf->data, btf->size, &sizes, &m, err);
	if (r == 0)
		r = sut_kallsyms_decode(ro->data, ro->size, &k, err);
	if (r == 0)
		r = sut_modinfo_vermagic(mods, &vermagic, err);
	if (r < 0)
		return r;
	sut_hex(v.build_id, SUT_BUILD_ID_LEN, build_id);
	j = json_pack("{s:i s:s s:s s:s s:s s:s s:s s:s s:b s:s s:I s:I"
		      " s:{s:I s:I s:I s:I s:I s:I s:I} s:{s:I s:I s:I s:I s:I}}",
		      "format", (int)SUT_PROFILE_FORMAT, "name", o->name, "release", o->release,
		      "arch", "x86_64", "package", o->package, "package_version",
		      o->package_version, "build_id", build_id, "vermagic", vermagic, "verified",
		      (int)o->verified, "cache", o->cache, "symbols", (json_int_t)k.n, "created",
		      (json_int_t)time(NULL), "record_sizes", "alt_instr",
		      (json_int_t)sizes.alt_instr, "bug_entry", (json_int_t)sizes.bug_entry,
		      "exception_table_entry", (json_int_t)sizes.exception_table_entry,
		      "jump_entry", (json_int_t)sizes.jump_entry, "static_call_site",
		      (json_int_t)sizes.static_call_site, "paravirt_patch_site",
		      (json_int_t)sizes.paravirt_patch_site, "orc_entry",
		      (json_int_t)sizes.orc_entry, "struct_module", "size", (json_int_t)m.size,
		      "name_off", (json_int_t)m.name_off, "name_size", (json_int_t)m.name_size,
		      "init_off", (json_int_t)m.init_off, "exit_off", (json_int_t)m.exit_off);
	text = j ? json_dumps(j, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	if (!text)
		return sut_err_oom(err);
	return sut_file_write(path, text, strlen(text), 0644, err);
}
