// SPDX-License-Identifier: Apache-2.0
#include "kernel/kmodule.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "uapi/suture.h"

static const char this_module[] = ".gnu.linkonce.this_module";

int sut_kmodule_begin(struct sut_emitter *e, const char *name, struct sut_err *err)
{
	const struct sut_module_layout *l = &e->profile->module;
	uint64_t off;
	int sec, sym;

	if (!l->size || strlen(name) >= l->name_size)
		return sut_err_set(err, EINVAL, "the module name %s is too long for this kernel",
				   name);
	sec = sut_emit_section(e, this_module, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 64);
	if (sec < 0 || sut_emit_bytes(e, (uint32_t)sec, NULL, l->size, 64, &off) < 0)
		return sut_err_oom(err);
	memcpy(e->out->sections[sec].data + l->name_off, name, strlen(name));
	sym = sut_object_add_sym(e->out, "__this_module", STB_GLOBAL, STT_OBJECT, (uint32_t)sec, 0,
				 l->size);
	return sym < 0 ? sut_err_oom(err) : 0;
}

static int link_field(struct sut_emitter *e, uint32_t off, const char *function)
{
	uint32_t sec = sut_object_section(e->out, this_module);
	uint32_t sym = sut_object_sym(e->out, function);

	return sym ? sut_object_add_rela(e->out, sec, off, R_X86_64_64, sym, 0) : -ENOENT;
}

static int put_modinfo(struct sut_emitter *e, const struct sut_payload_info *info)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(65536);
	uint64_t off;
	int sec, r;

	/* Each entry ends with a NUL byte, which addf's %c gives. */
	r = sut_buf_addf(&b,
			 "license=GPL%cdescription=Suture live patch %s%csuture_id=%s%c"
			 "suture_level=%u%csuture_cves=%s%cdepends=suture%cretpoline=Y%cname=%s%c"
			 "vermagic=%s%c",
			 0, info->id, 0, info->id, 0, info->level, 0, info->cves, 0, 0, 0,
			 info->module, 0, e->profile->vermagic, 0);
	if (r < 0)
		return r;
	sec = sut_emit_section(e, ".modinfo", SHT_PROGBITS, SHF_ALLOC, 1);
	return sec < 0 ? sec : sut_emit_bytes(e, (uint32_t)sec, b.data, b.len, 1, &off);
}

/* struct modversion_info: unsigned long crc, then the name in 56 bytes. */
static int put_version(struct sut_emitter *e, uint32_t sec, const char *name, uint32_t crc)
{
	uint8_t rec[64] = {0};
	uint64_t off;

	if (strlen(name) >= sizeof(rec) - 8)
		return -ENAMETOOLONG;
	memcpy(rec, &crc, 4);
	memcpy(rec + 8, name, strlen(name) + 1);
	return sut_emit_bytes(e, sec, rec, sizeof(rec), 1, &off);
}

static int put_versions(struct sut_emitter *e, struct sut_err *err)
{
	const struct sut_export *x = sut_profile_export(e->profile, "module_layout");
	int sec, r;

	if (!strstr(e->profile->vermagic, "modversions"))
		return 0;
	if (!x)
		return sut_err_set(err, ENOENT,
				   "Module.symvers of the target has no module_layout: "
				   "remove the target and add it again");
	sec = sut_emit_section(e, "__versions", SHT_PROGBITS, SHF_ALLOC, 32);
	if (sec < 0)
		return sut_err_oom(err);
	r = put_version(e, (uint32_t)sec, "module_layout", x->crc);
	for (uint32_t i = 1; !r && i < e->out->nsyms; i++) {
		const struct sut_sym *s = &e->out->syms[i];

		if (s->shndx != SHN_UNDEF || s->bind == STB_LOCAL)
			continue;
		x = sut_profile_export(e->profile, s->name);
		if (x)
			r = put_version(e, (uint32_t)sec, s->name, x->crc);
		else if (sut_streq(s->name, "suture_payload_register"))
			r = put_version(e, (uint32_t)sec, s->name, SUTURE_REGISTER_CRC);
		else if (sut_streq(s->name, "suture_payload_unregister"))
			r = put_version(e, (uint32_t)sec, s->name, SUTURE_UNREGISTER_CRC);
	}
	return r < 0 ? sut_err_set(err, -r, "cannot make the table of symbol versions") : 0;
}

int sut_kmodule_finish(struct sut_emitter *e, const struct sut_payload_info *info,
		       struct sut_err *err)
{
	int r;

	if (put_modinfo(e, info) < 0)
		return sut_err_oom(err);
	r = link_field(e, e->profile->module.init_off, "init_module");
	if (!r)
		r = link_field(e, e->profile->module.exit_off, "cleanup_module");
	if (r < 0)
		return sut_err_set(err, -r, "internal: the payload has no init code");
	return put_versions(e, err);
}
