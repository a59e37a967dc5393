// SPDX-License-Identifier: Apache-2.0
#include "target/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "target/kallsyms.h"
#include "target/profile_file.h"
#include "target/source.h"
#include "target/store.h"
#include "target/symvers.h"
#include "target/vmlinux.h"
#include "target/vmlinuz.h"

enum { FENTRY_MAX = 1 << 20 };

/* What stands behind the public part. */
struct priv {
	json_t *json; /* owns the strings that come from profile.json */
	char *dir, *src_dir, *build_dir, *vmlinuz, *vmlinux_path, *modules_dir;
	void *map; /* the vmlinux file */
	size_t map_len;
	struct sut_vmlinux vmlinux;
	struct sut_kallsyms kallsyms;
	struct sut_symvers symvers;
	uint64_t *fentry;
	uint32_t *by_name; /* indexes into syms, grouped by name */
	uint32_t *hash;	   /* hash[i]: of the name of by_name[i], ascending */
};

static uint32_t hash_name(const char *s)
{
	uint32_t h = 2166136261U; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619U;
	return h;
}

static const char *get_string(json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static uint32_t get_u32(json_t *j, const char *group, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(json_object_get(j, group), key));

	return v > 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static int read_json(struct sut_profile *p, const char *dir, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/" SUT_PROFILE_FILE, dir);
	struct priv *v = p->priv;
	json_error_t je;
	json_t *j;

	if (!path)
		return sut_err_oom(err);
	j = v->json = json_load_file(path, 0, &je);
	if (!j)
		return sut_err_set(err, EBADMSG, "%s is damaged (%s)", path, je.text);
	if (json_integer_value(json_object_get(j, "format")) != SUT_PROFILE_FORMAT)
		return sut_err_set(err, EBADMSG,
				   "%s was written by another version of suture-build", path);
	p->name = get_string(j, "name");
	p->release = get_string(j, "release");
	p->arch = get_string(j, "arch");
	p->package = get_string(j, "package");
	p->package_version = get_string(j, "package_version");
	p->vermagic = get_string(j, "vermagic");
	if (!p->name || !p->release || !p->arch || !p->package || !p->package_version ||
	    !p->vermagic || !get_string(j, "build_id") ||
	    sut_unhex(get_string(j, "build_id"), p->build_id, SUT_BUILD_ID_LEN) < 0)
		return sut_err_set(err, EBADMSG, "%s lacks an entry", path);
	p->sizes = (struct sut_record_sizes){
#define SIZE(n) .n = get_u32(j, "record_sizes", #n)
		SIZE(alt_instr),  SIZE(bug_entry),	  SIZE(exception_table_entry),
		SIZE(jump_entry), SIZE(static_call_site), SIZE(paravirt_patch_site),
		SIZE(orc_entry),
#undef SIZE
	};
	p->module = (struct sut_module_layout){
		.size = get_u32(j, "struct_module", "size"),
		.name_off = get_u32(j, "struct_module", "name_off"),
		.name_size = get_u32(j, "struct_module", "name_size"),
		.init_off = get_u32(j, "struct_module", "init_off"),
		.exit_off = get_u32(j, "struct_module", "exit_off"),
	};
	return 0;
}

static int set_paths(struct sut_profile *p, const char *cache, const char *dir, struct sut_err *err)
{
	struct priv *v = p->priv;

	v->dir = strdup(dir);
	v->src_dir = sut_source_dir(cache, p->package_version);
	v->build_dir = sut_sprintf("%s/build", dir);
	v->vmlinuz = sut_sprintf("%s/image/boot/vmlinuz-%s", dir, p->release);
	v->vmlinux_path = sut_sprintf("%s/vmlinux", dir);
	v->modules_dir = sut_sprintf("%s/image/lib/modules/%s", dir, p->release);
	if (!v->dir || !v->src_dir || !v->build_dir || !v->vmlinuz || !v->vmlinux_path ||
	    !v->modules_dir)
		return sut_err_oom(err);
	p->dir = v->dir;
	p->src_dir = v->src_dir;
	p->build_dir = v->build_dir;
	p->vmlinuz = v->vmlinuz;
	p->vmlinux = v->vmlinux_path;
	p->modules_dir = v->modules_dir;
	return 0;
}

static int map_image(struct sut_profile *p, struct sut_err *err)
{
	struct priv *v = p->priv;
	_cleanup_(sut_closep) int fd = open(p->vmlinux, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *m;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot open %s", p->vmlinux);
	if (st.st_size <= 0 || st.st_size > SUT_VMLINUX_MAX)
		return sut_err_set(err, EBADMSG, "%s has an impossible size", p->vmlinux);
	m = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m == MAP_FAILED)
		return sut_err_errno(err, "cannot map %s", p->vmlinux);
	v->map = m;
	v->map_len = (size_t)st.st_size;
	r = sut_vmlinux_parse(v->map, v->map_len, &v->vmlinux, err);
	if (r < 0)
		return sut_err_prefix(err, "%s", p->vmlinux);
	return 0;
}

/* Up to the next higher symbol of the same kind, and never past the section. */
static void set_sizes(struct sut_kallsyms *k, const struct sut_vmlinux *v)
{
	uint64_t next = 0, absolute_next = 0, last = 0, absolute_last = 0;

	for (size_t i = k->n; i-- > 0;) {
		struct sut_ksym *s = &k->syms[i];
		bool absolute = s->type == 'A' || s->type == 'a';
		uint64_t *n = absolute ? &absolute_next : &next;
		uint64_t *l = absolute ? &absolute_last : &last;
		const struct sut_vmlinux_section *sec = sut_vmlinux_at(v, s->addr);

		if (*l > s->addr)
			*n = *l;
		*l = s->addr;
		/* Marks such as _etext stand behind their section. */
		s->size = sec && *n > s->addr ? *n - s->addr : 0;
		if (sec && (!s->size || s->size > sec->size - (s->addr - sec->addr)))
			s->size = sec->size - (s->addr - sec->addr);
	}
}

static int read_symbols(struct sut_profile *p, struct sut_err *err)
{
	struct priv *v = p->priv;
	const struct sut_vmlinux_section *ro = sut_vmlinux_section(&v->vmlinux, ".rodata");
	int r;

	if (!ro || !ro->data)
		return sut_err_set(err, EBADMSG, "the image has no section .rodata");
	r = sut_kallsyms_decode(ro->data, ro->size, &v->kallsyms, err);
	if (r < 0)
		return r;
	set_sizes(&v->kallsyms, &v->vmlinux);
	p->syms = v->kallsyms.syms;
	p->nsyms = v->kallsyms.n;
	return 0;
}

struct named {
	uint32_t hash, index;
	const char *name;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	c = strcmp(x->name, y->name);
	if (c)
		return c;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int index_names(struct sut_profile *p, struct sut_err *err)
{
	struct priv *v = p->priv;
	_cleanup_(sut_freep) struct named *n = calloc(p->nsyms, sizeof(*n));

	v->by_name = calloc(p->nsyms, sizeof(*v->by_name));
	v->hash = calloc(p->nsyms, sizeof(*v->hash));
	if (!n || !v->by_name || !v->hash)
		return sut_err_oom(err);
	for (size_t i = 0; i < p->nsyms; i++)
		n[i] = (struct named){hash_name(p->syms[i].name), (uint32_t)i, p->syms[i].name};
	qsort(n, p->nsyms, sizeof(*n), compare_named);
	for (size_t i = 0; i < p->nsyms; i++) {
		v->by_name[i] = n[i].index;
		v->hash[i] = n[i].hash;
	}
	return 0;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int read_fentry(struct sut_profile *p, struct sut_err *err)
{
	struct priv *v = p->priv;
	const uint32_t *start, *stop;
	const uint8_t *bytes;
	uint64_t from, len;

	if (sut_profile_lookup(p, "__start_mcount_loc", &start) != 1 ||
	    sut_profile_lookup(p, "__stop_mcount_loc", &stop) != 1)
		return sut_err_set(err, EBADMSG,
				   "the image has no list of fentry calls; a kernel with "
				   "CONFIG_DYNAMIC_FTRACE is needed");
	from = p->syms[*start].addr;
	len = p->syms[*stop].addr - from;
	bytes = sut_profile_bytes(p, from, len);
	if (!bytes || len % 8 || len / 8 > FENTRY_MAX)
		return sut_err_set(err, EBADMSG,
				   "the list of fentry calls of the image is damaged");
	v->fentry = malloc(len + 8);
	if (!v->fentry)
		return sut_err_oom(err);
	memcpy(v->fentry, bytes, len);
	qsort(v->fentry, len / 8, 8, compare_u64);
	p->fentry = v->fentry;
	p->nfentry = len / 8;
	return 0;
}

static int read_exports(struct sut_profile *p, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SYMVERS_MAX);
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/Module.symvers", p->build_dir);
	struct priv *v = p->priv;
	int r;

	if (!path)
		return sut_err_oom(err);
	r = sut_file_read(path, &b, err);
	if (r == 0)
		r = sut_symvers_parse(b.data, b.len, &v->symvers, err);
	if (r < 0)
		return r;
	p->exports = v->symvers.exports;
	p->nexports = v->symvers.n;
	return 0;
}

static int open_dir(struct sut_profile *p, const char *cache, const char *dir, struct sut_err *err)
{
	struct priv *v = p->priv;
	int r = read_json(p, dir, err);

	if (r == 0 && !sut_streq(get_string(v->json, "cache"), cache))
		r = sut_err_set(err, EBADMSG, "the target was made in %s and cannot be moved",
				get_string(v->json, "cache") ?: "another cache");
	if (r == 0)
		r = set_paths(p, cache, dir, err);
	if (r == 0)
		r = map_image(p, err);
	if (r == 0 && memcmp(v->vmlinux.build_id, p->build_id, SUT_BUILD_ID_LEN))
		r = sut_err_set(err, EBADMSG, "%s is not the kernel the profile was made of",
				p->vmlinux);
	if (r == 0)
		r = read_symbols(p, err);
	if (r == 0)
		r = index_names(p, err);
	if (r == 0)
		r = read_fentry(p, err);
	if (r == 0)
		r = read_exports(p, err);
	if (r == 0 && !sut_exists(p->src_dir))
		r = sut_err_set(err, ENOENT, "the source tree %s is gone", p->src_dir);
	return r;
}

int sut_profile_open(const char *cache, const char *target, struct sut_profile **ret,
		     struct sut_err *err)
{
	_cleanup_(sut_freep) char *abs = realpath(cache, NULL), *dir = NULL, *file = NULL;
	_cleanup_(sut_profile_freep) struct sut_profile *p = NULL;
	const char *release;
	int r = sut_target_name_check(target, &release, err);

	if (r < 0)
		return r;
	if (abs) {
		dir = sut_target_dir(abs, target);
		file = dir ? sut_sprintf("%s/" SUT_PROFILE_FILE, dir) : NULL;
		if (!file)
			return sut_err_oom(err);
	}
	if (!file || !sut_exists(file))
		return sut_err_set(err, ENOENT,
				   "the target %s is not in the cache %s; run: "
				   "suture-build target add %s",
				   target, cache, target);
	p = calloc(1, sizeof(*p));
	if (!p)
		return sut_err_oom(err);
	p->priv = calloc(1, sizeof(struct priv));
	if (!p->priv)
		return sut_err_oom(err);
	r = open_dir(p, abs, dir, err);
	if (r < 0) {
		char msg[SUT_ERR_MSG_MAX];

		if (!err || r == -ENOMEM)
			return r;
		memcpy(msg, err->msg, sizeof(msg));
		return sut_err_set(err, -r,
				   "%s; run: suture-build target remove %s, then "
				   "suture-build target add %s",
				   msg, target, target);
	}
	*ret = sut_steal(p);
	return 0;
}

void sut_profile_free(struct sut_profile *p)
{
	struct priv *v;

	if (!p)
		return;
	v = p->priv;
	if (v) {
		sut_vmlinux_release(&v->vmlinux);
		sut_kallsyms_release(&v->kallsyms);
		sut_symvers_release(&v->symvers);
		if (v->map)
			munmap(v->map, v->map_len);
		free(v->fentry);
		free(v->by_name);
		free(v->hash);
		free(v->dir);
		free(v->src_dir);
		free(v->build_dir);
		free(v->vmlinuz);
		free(v->vmlinux_path);
		free(v->modules_dir);
		json_decref(v->json);
		free(v);
	}
	free(p);
}

void sut_profile_freep(struct sut_profile **p)
{
	sut_profile_free(*p);
}

const uint8_t *sut_profile_bytes(const struct sut_profile *p, uint64_t addr, size_t len)
{
	return sut_vmlinux_bytes(&((const struct priv *)p->priv)->vmlinux, addr, len);
}

bool sut_profile_section(const struct sut_profile *p, const char *name, uint64_t *ret_addr,
			 uint64_t *ret_size, const uint8_t **ret_data)
{
	const struct priv *v = p->priv;
	const struct sut_vmlinux_section *s = sut_vmlinux_section(&v->vmlinux, name);

	if (!s)
		return false;
	if (ret_addr)
		*ret_addr = s->addr;
	if (ret_size)
		*ret_size = s->size;
	if (ret_data)
		*ret_data = s->data;
	return true;
}

size_t sut_profile_lookup(const struct sut_profile *p, const char *name, const uint32_t **ret)
{
	const struct priv *v = p->priv;
	uint32_t h = hash_name(name);
	size_t lo = 0, hi = p->nsyms, first, n = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v->hash[mid] < h)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Other names with the same hash may come first. */
	while (lo < p->nsyms && v->hash[lo] == h && strcmp(p->syms[v->by_name[lo]].name, name) != 0)
		lo++;
	first = lo;
	while (lo < p->nsyms && v->hash[lo] == h && !strcmp(p->syms[v->by_name[lo]].name, name)) {
		lo++;
		n++;
	}
	if (n && ret)
		*ret = v->by_name + first;
	return n;
}

const struct sut_ksym *sut_profile_at(const struct sut_profile *p, uint64_t addr)
{
	size_t lo = 0, hi = p->nsyms;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->syms[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	/* Of several at one address, the first. */
	for (lo--; lo > 0 && p->syms[lo - 1].addr == p->syms[lo].addr; lo--)
		;
	return &p->syms[lo];
}

const struct sut_export *sut_profile_export(const struct sut_profile *p, const char *name)
{
	return sut_symvers_find(p->exports, p->nexports, name);
}

bool sut_profile_has_fentry(const struct sut_profile *p, uint64_t addr)
{
	return p->nfentry && bsearch(&addr, p->fentry, p->nfentry, sizeof(addr), compare_u64);
}
