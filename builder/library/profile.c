// SPDX-License-Identifier: Apache-2.0
#include "library/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "json/parse.h"
#include "library/linked.h"
#include "library/profile_file.h"
#include "library/slots.h"
#include "target/store.h"

struct mapped {
	void *data;
	size_t len;
};

struct priv {
	json_t *profile, *objects; /* strings of the profile live in them */
	struct mapped shipped_map, rebuilt_map;
	struct sut_linked *shipped, *rebuilt;
	struct sut_lib_slot *slots;
	struct sut_lib_sym *syms;
	struct sut_lib_object *objs;
	uint32_t *by_name; /* indexes into syms */
	struct sut_strv paths;
};

static const struct priv *priv_of(const struct sut_lib_profile *p)
{
	return p->priv;
}

static int map_file(const char *path, struct mapped *ret, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sut_err_errno(err, "cannot open %s", path);
	if (st.st_size <= 0 || st.st_size > SUT_LINKED_MAX)
		return sut_err_set(err, EBADMSG, "%s is no library", path);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return sut_err_errno(err, "cannot read %s", path);
	*ret = (struct mapped){p, (size_t)st.st_size};
	return 0;
}

/* ---- proof ---- */

const uint8_t *sut_lib_profile_bytes(const struct sut_lib_profile *p, uint64_t vaddr, size_t len)
{
	return sut_linked_bytes(priv_of(p)->shipped, vaddr, len);
}

const uint8_t *sut_lib_profile_rebuilt(const struct sut_lib_profile *p, uint64_t vaddr, size_t len)
{
	return sut_linked_bytes(priv_of(p)->rebuilt, vaddr, len);
}

static bool same_rel(const struct sut_linked *a, const struct sut_linked_rel *x,
		     const struct sut_linked *b, const struct sut_linked_rel *y)
{
	const struct sut_linked_sym *s, *t;

	if (x->vaddr != y->vaddr || x->type != y->type || x->addend != y->addend ||
	    !x->sym != !y->sym)
		return false;
	if (!x->sym)
		return true;
	s = &a->dynsyms[x->sym];
	t = &b->dynsyms[y->sym];
	return sut_streq(s->name, t->name) && sut_streq(s->version, t->version) &&
	       !s->shndx == !t->shndx && s->value == t->value;
}

/* *ret_off is lowered to the first relocation that differs. */
static bool same_rels(const struct priv *v, uint64_t vaddr, size_t len, uint64_t *ret_off)
{
	const struct sut_linked *a = v->shipped, *b = v->rebuilt;
	uint64_t from = vaddr < 7 ? 0 : vaddr - 7; /* one that begins before may reach in */
	size_t i = sut_linked_rel_from(a, from), k = sut_linked_rel_from(b, from);

	for (;; i++, k++) {
		bool x = i < a->nrels && a->rels[i].vaddr < vaddr + len;
		bool y = k < b->nrels && b->rels[k].vaddr < vaddr + len;
		uint64_t at;

		if (!x && !y)
			return true;
		if (x && y && same_rel(a, &a->rels[i], b, &b->rels[k]))
			continue;
		at = x ? a->rels[i].vaddr : b->rels[k].vaddr;
		if (x && y && b->rels[k].vaddr < at)
			at = b->rels[k].vaddr;
		*ret_off = at < vaddr ? 0 : at - vaddr;
		return false;
	}
}

/* Zeros that take no room in the file: the section of both is the same. */
static bool same_zeros(const struct priv *v, uint64_t vaddr, size_t len)
{
	const struct sut_linked_section *s = sut_linked_section_at(v->shipped, vaddr);
	const struct sut_linked_section *t = sut_linked_section_at(v->rebuilt, vaddr);

	return s && t && s->type == SHT_NOBITS && t->type == SHT_NOBITS && s->vaddr == t->vaddr &&
	       s->size == t->size && len <= s->size - (vaddr - s->vaddr);
}

bool sut_lib_profile_same(const struct sut_lib_profile *p, uint64_t vaddr, size_t len,
			  uint64_t *ret_off)
{
	const struct priv *v = priv_of(p);
	const uint8_t *a = sut_linked_bytes(v->shipped, vaddr, len);
	const uint8_t *b = sut_linked_bytes(v->rebuilt, vaddr, len);
	uint64_t off = 0, rel_off;

	if (!a || !b) {
		if (!a && !b && same_zeros(v, vaddr, len) && same_rels(v, vaddr, len, &rel_off))
			return true;
		*ret_off = 0;
		return false;
	}
	while (off < len && a[off] == b[off])
		off++;
	if (!same_rels(v, vaddr, len, &rel_off))
		off = rel_off < off ? rel_off : off;
	if (off < len)
		*ret_off = off;
	return off == len;
}

/* ---- symbols ---- */

static bool wanted(const struct sut_linked *l, const struct sut_linked_sym *s)
{
	if (!*s->name || s->shndx == SHN_UNDEF || s->shndx >= l->nsections ||
	    !(l->sections[s->shndx].flags & SHF_ALLOC))
		return false;
	return s->type == STT_FUNC || s->type == STT_OBJECT || s->type == STT_TLS ||
	       s->type == STT_GNU_IFUNC || s->type == STT_NOTYPE;
}

static int by_vaddr(const void *a, const void *b)
{
	const struct sut_lib_sym *x = a, *y = b;

	if ((x->type == STT_TLS) != (y->type == STT_TLS))
		return x->type == STT_TLS ? 1 : -1;
	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b, void *arg)
{
	const struct sut_lib_sym *syms = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int c = strcmp(syms[x].name, syms[y].name);

	return c ? c : x < y ? -1 : x > y;
}

/* How many functions there are, those of one address counted once. */
static void count(struct sut_lib_profile *p)
{
	uint64_t last = 0;

	for (size_t i = 0; i < p->nsyms; i++) {
		const struct sut_lib_sym *s = &p->syms[i];

		if (!s->size || (s->type != STT_FUNC && s->type != STT_GNU_IFUNC) ||
		    (p->functions && s->vaddr == last))
			continue;
		last = s->vaddr;
		p->functions++;
		p->proven += s->proven;
	}
}

static int read_syms(struct sut_lib_profile *p, struct priv *v, struct sut_err *err)
{
	const struct sut_linked *l = v->rebuilt;
	size_t n = 0;

	v->syms = calloc(l->nsyms + 1, sizeof(*v->syms));
	v->by_name = calloc(l->nsyms + 1, sizeof(*v->by_name));
	if (!v->syms || !v->by_name)
		return sut_err_oom(err);
	for (size_t i = 0; i < l->nsyms; i++) {
		const struct sut_linked_sym *s = &l->syms[i];
		struct sut_lib_sym *t = &v->syms[n];
		uint64_t off, at = s->value;

		if (!wanted(l, s))
			continue;
		*t = (struct sut_lib_sym){s->name, s->version, s->value, s->size,
					  s->type, s->bind,    false};
		if (s->type == STT_TLS)
			at += l->tls_vaddr;
		if (s->type == STT_TLS && l->sections[s->shndx].type == SHT_NOBITS)
			t->proven = v->shipped->tls_vaddr == l->tls_vaddr &&
				    v->shipped->tls_memsz == l->tls_memsz;
		else
			t->proven = s->size && s->type != STT_NOTYPE &&
				    sut_lib_profile_same(p, at, s->size, &off);
		n++;
	}
	if (n)
		qsort(v->syms, n, sizeof(*v->syms), by_vaddr);
	for (size_t i = 0; i < n; i++)
		v->by_name[i] = (uint32_t)i;
	if (n)
		qsort_r(v->by_name, n, sizeof(*v->by_name), by_name, v->syms);
	p->syms = v->syms;
	p->nsyms = n;
	count(p);
	return 0;
}

size_t sut_lib_profile_lookup(const struct sut_lib_profile *p, const char *name,
			      const uint32_t **ret)
{
	const uint32_t *v = priv_of(p)->by_name;
	size_t lo = 0, hi = p->nsyms, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(p->syms[v[mid]].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < p->nsyms && sut_streq(p->syms[v[end]].name, name); end++)
		;
	*ret = v + lo;
	return end - lo;
}

const struct sut_lib_sym *sut_lib_profile_at(const struct sut_lib_profile *p, uint64_t vaddr)
{
	size_t lo = 0, hi = p->nsyms;

	/* TLS symbols, whose values are no addresses, are behind all others. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->syms[mid].type != STT_TLS && p->syms[mid].vaddr <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Symbols may lie within each other: the nearest that reaches this far. */
	for (size_t tries = 0; lo-- && tries < 64; tries++)
		if (vaddr - p->syms[lo].vaddr < p->syms[lo].size)
			return &p->syms[lo];
	return NULL;
}

const struct sut_lib_slot *sut_lib_profile_slot(const struct sut_lib_profile *p,
						enum sut_lib_slot_kind kind, const char *name,
						uint64_t target)
{
	return sut_slots_find(p->slots, p->nslots, kind, name, target);
}

/* ---- the profile's files ---- */

/* A string of the profile's own. */
static const char *hold(struct priv *v, char *s)
{
	int r = s ? sut_strv_add(&v->paths, s) : -ENOMEM;

	free(s);
	return r < 0 ? NULL : v->paths.v[v->paths.n - 1];
}

static int damaged(const struct sut_lib_profile *p, struct sut_err *err)
{
	return sut_err_set(err, EBADMSG,
			   "the profile in %s is damaged; remove the target and add it again",
			   p->dir);
}

static const char **string_list(const json_t *list, const json_t *paths)
{
	size_t n = json_array_size(list);
	const char **v = calloc(n + 1, sizeof(*v));

	for (size_t i = 0; v && i < n; i++) {
		const json_t *e = json_array_get(list, i);

		v[i] = json_string_value(
			paths ? json_array_get(paths, (size_t)json_integer_value(e)) : e);
		if (!v[i])
			v[i] = "";
	}
	return v;
}

static int read_placed(struct sut_lib_object *o, const json_t *list)
{
	size_t n = json_array_size(list);
	struct sut_lib_placed *v = calloc(n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	o->placed = v;
	o->nplaced = n;
	for (size_t i = 0; i < n; i++) {
		const json_t *e = json_array_get(list, i);

		v[i].name = json_string_value(json_array_get(e, 0));
		v[i].vaddr = (uint64_t)json_integer_value(json_array_get(e, 1));
		v[i].size = (uint64_t)json_integer_value(json_array_get(e, 2));
		v[i].nth = (uint32_t)json_integer_value(json_array_get(e, 3));
		if (!v[i].name)
			return -EBADMSG;
	}
	return 0;
}

static int read_objects(struct sut_lib_profile *p, struct priv *v, const char *folder,
			struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/" SUT_LIB_OBJECTS_FILE, folder);
	const json_t *list, *paths;

	v->objects = path ? json_load_file(path, 0, NULL) : NULL;
	list = json_object_get(v->objects, "objects");
	paths = json_object_get(v->objects, "paths");
	if (!json_is_array(list) || !json_is_array(paths))
		return damaged(p, err);
	v->objs = calloc(json_array_size(list) + 1, sizeof(*v->objs));
	if (!v->objs)
		return sut_err_oom(err);
	p->objects = v->objs;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);
		struct sut_lib_object *o = &v->objs[p->nobjects++];
		int r;

		o->path = hold(v, sut_sprintf("%s/objects/%s", folder, sut_json_text(e, "object")));
		o->source = sut_json_text(e, "source");
		o->cwd = sut_json_text(e, "cwd");
		o->language = sut_json_text(e, "language");
		o->argv = string_list(json_object_get(e, "argv"), NULL);
		o->deps = string_list(json_object_get(e, "deps"), paths);
		r = read_placed(o, json_object_get(e, "placed"));
		if (r == -EBADMSG)
			return damaged(p, err);
		if (r < 0 || !o->path || !o->argv || !o->deps)
			return sut_err_oom(err);
	}
	return 0;
}

static bool is_file(const json_t *f, const char *name)
{
	const char *path = sut_json_text(f, "file"), *base = strrchr(path, '/');

	return sut_streq(name, sut_json_text(f, "soname")) || sut_streq(name, path) ||
	       (base && sut_streq(name, base + 1));
}

static int choose(const struct sut_lib_profile *p, const json_t *files, const char *name,
		  const json_t **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf all = SUT_BUF_INIT(1024);

	if (!name && json_array_size(files) == 1)
		name = sut_json_text(json_array_get(files, 0), "file");
	for (size_t i = 0; i < json_array_size(files); i++) {
		const json_t *f = json_array_get(files, i);
		const char *base = strrchr(sut_json_text(f, "file"), '/');

		if (name && is_file(f, name)) {
			*ret = f;
			return 0;
		}
		if (sut_buf_addf(&all, "%s%s", all.len ? ", " : "",
				 base ? base + 1 : sut_json_text(f, "file")) < 0 &&
		    all.len)
			continue; /* the message is cut */
	}
	return sut_err_reason(err, EINVAL, "which-file", "%s %s: say which file with --file: %s",
			      p->name, name ? "has no such file" : "has several files",
			      sut_buf_str(&all));
}

static int read_elf(struct sut_lib_profile *p, struct priv *v, struct sut_err *err)
{
	int r = map_file(p->shipped, &v->shipped_map, err);

	if (r == 0)
		r = map_file(p->rebuilt, &v->rebuilt_map, err);
	if (r == 0)
		r = sut_linked_parse(v->shipped_map.data, v->shipped_map.len, &v->shipped, err);
	if (r == 0)
		r = sut_linked_parse(v->rebuilt_map.data, v->rebuilt_map.len, &v->rebuilt, err);
	if (r == 0)
		r = sut_slots_read(v->shipped, &v->slots, &p->nslots, err);
	if (r < 0)
		return r;
	p->slots = v->slots;
	memcpy(p->build_id, v->shipped->build_id, sizeof(p->build_id));
	p->is_static = !v->shipped->dynamic;
	p->executable = v->shipped->type == ET_EXEC || p->is_static ||
			(v->shipped->interp && !*v->shipped->soname);
	p->tls_vaddr = v->shipped->tls_vaddr;
	p->tls_memsz = v->shipped->tls_memsz;
	p->tls_align = v->shipped->tls_align;
	return read_syms(p, v, err);
}

static int open_file(struct sut_lib_profile *p, struct priv *v, const char *name,
		     struct sut_err *err)
{
	const json_t *file = NULL;
	const char *folder;
	int r;

	p->name = sut_json_text(v->profile, "name");
	p->package = sut_json_text(v->profile, "package");
	p->version = sut_json_text(v->profile, "version");
	p->source = sut_json_text(v->profile, "source");
	p->source_version = sut_json_text(v->profile, "source_version");
	p->arch = sut_json_text(v->profile, "arch");
	p->src_dir = sut_json_text(v->profile, "src_dir");
	r = choose(p, json_object_get(v->profile, "files"), name, &file, err);
	if (r < 0)
		return r;
	p->file = sut_json_text(file, "file");
	p->soname = sut_json_text(file, "soname");
	p->root =
		*sut_json_text(v->profile, "root") == '/'
			? sut_json_text(v->profile, "root")
			: hold(v, sut_sprintf("%s/%s", p->dir, sut_json_text(v->profile, "root")));
	folder = hold(v, sut_sprintf("%s/%s", p->dir, sut_json_text(file, "dir")));
	p->shipped = hold(v, sut_sprintf("%s/shipped%s", p->dir, p->file));
	p->rebuilt = folder ? hold(v, sut_sprintf("%s/rebuilt", folder)) : NULL;
	if (!p->root || !p->shipped || !p->rebuilt)
		return sut_err_oom(err);
	r = read_elf(p, v, err);
	if (r < 0)
		return sut_err_prefix(err, "the profile in %s cannot be used", p->dir);
	return read_objects(p, v, folder, err);
}

static int load(const char *cache, const char *target, json_t **ret, char **ret_dir,
		struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = NULL, *path = NULL;
	int r = sut_lib_name_check(target, NULL, NULL, err);

	if (r < 0)
		return r;
	dir = sut_target_dir(cache, target);
	path = dir ? sut_sprintf("%s/" SUT_LIB_PROFILE_FILE, dir) : NULL;
	if (!path)
		return sut_err_oom(err);
	if (!sut_exists(path))
		return sut_err_set(err, ENOENT,
				   "there is no target %s in %s; run: suture-build target add %s",
				   target, cache, target);
	*ret = json_load_file(path, 0, NULL);
	if (!*ret || !sut_streq(sut_json_text(*ret, "kind"), "library")) {
		json_decref(*ret);
		*ret = NULL;
		return sut_err_set(err, EBADMSG,
				   "%s is damaged; remove the target and add it again", path);
	}
	*ret_dir = sut_steal(dir);
	return 0;
}

int sut_lib_profile_open(const char *cache, const char *target, const char *file,
			 struct sut_lib_profile **ret, struct sut_err *err)
{
	_cleanup_(sut_lib_profile_freep) struct sut_lib_profile *p = calloc(1, sizeof(*p));
	_cleanup_(sut_freep) char *dir = NULL, *abs = NULL;
	struct priv *v;
	int r;

	if (!p)
		return sut_err_oom(err);
	v = p->priv = calloc(1, sizeof(*v));
	if (!v)
		return sut_err_oom(err);
	r = load(cache, target, &v->profile, &dir, err);
	if (r < 0)
		return r;
	abs = realpath(dir, NULL);
	p->dir = abs ? hold(v, strdup(abs)) : NULL;
	if (!p->dir)
		return sut_err_oom(err);
	r = open_file(p, v, file, err);
	if (r < 0)
		return r;
	*ret = sut_steal(p);
	return 0;
}

void sut_lib_profile_free(struct sut_lib_profile *p)
{
	struct priv *v = p ? p->priv : NULL;

	if (v) {
		for (size_t i = 0; i < p->nobjects; i++) {
			free((void *)(uintptr_t)p->objects[i].argv);
			free((void *)(uintptr_t)p->objects[i].deps);
			free((void *)(uintptr_t)p->objects[i].placed);
		}
		free(v->objs);
		free(v->syms);
		free(v->by_name);
		free(v->slots);
		sut_linked_free(v->shipped);
		sut_linked_free(v->rebuilt);
		if (v->shipped_map.data)
			munmap(v->shipped_map.data, v->shipped_map.len);
		if (v->rebuilt_map.data)
			munmap(v->rebuilt_map.data, v->rebuilt_map.len);
		json_decref(v->profile);
		json_decref(v->objects);
		sut_strv_release(&v->paths);
		free(v);
	}
	free(p);
}

void sut_lib_profile_freep(struct sut_lib_profile **p)
{
	sut_lib_profile_free(*p);
}

const char *sut_lib_profile_epoch(const struct sut_lib_profile *p)
{
	return sut_json_text(priv_of(p)->profile, "epoch");
}

static int list_files(const char *cache, const char *target, bool whole, struct sut_strv *ret,
		      struct sut_err *err)
{
	_cleanup_(sut_freep) char *dir = NULL;
	json_t *j = NULL;
	const json_t *files;
	int r = load(cache, target, &j, &dir, err);

	files = json_object_get(j, "files");
	for (size_t i = 0; r == 0 && i < json_array_size(files); i++) {
		const char *path = sut_json_text(json_array_get(files, i), "file");
		const char *base = strrchr(path, '/');

		if (sut_strv_add(ret, base && !whole ? base + 1 : path) < 0)
			r = sut_err_oom(err);
	}
	json_decref(j);
	return r;
}

int sut_lib_profile_files(const char *cache, const char *target, struct sut_strv *ret,
			  struct sut_err *err)
{
	return list_files(cache, target, false, ret, err);
}

int sut_lib_profile_paths(const char *cache, const char *target, struct sut_strv *ret,
			  struct sut_err *err)
{
	return list_files(cache, target, true, ret, err);
}
