// SPDX-License-Identifier: Apache-2.0
#include "patch/manifest.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "patch/container.h"
#include "patch/field.h"
#include "patch/library.h"

static bool is_cve(const char *s)
{
	size_t n;

	if (!sut_startswith(s, "CVE-") || strspn(s + 4, "0123456789") != 4 || s[8] != '-')
		return false;
	n = strspn(s + 9, "0123456789");
	return n >= 4 && n <= 19 && s[9 + n] == 0;
}

/* "2026-11-21T20:15:00Z" */
static bool is_time(const char *s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";

	if (strlen(s) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != form[i])
			return false;
	return true;
}

/* Printable ASCII: its SHA-1 is a name for the kernel, so there is nothing to normalise. */
static bool is_banner(const char *s)
{
	size_t n = 0;

	while (s[n] >= ' ' && s[n] <= '~')
		n++;
	return !s[n] && n <= SUT_MANIFEST_BANNER_MAX && sut_startswith(s, "Linux version ");
}

static bool is_module(const char *s)
{
	return sut_is_token(s, SUTURE_MODULE_MAX - 1, "_") && sut_startswith(s, "suture_");
}

static bool is_object(const char *s)
{
	return sut_is_token(s, SUTURE_MODULE_MAX - 1, "_-");
}

static bool is_symbol(const char *s)
{
	return sut_is_token(s, SUTURE_NAME_MAX - 1, "._$");
}

/* Those of C++ are long. */
static bool is_long_symbol(const char *s)
{
	return sut_is_token(s, SUT_LIBRARY_NAME_MAX - 1, "._$");
}

/* "libstdc++.so.6" */
static bool is_soname(const char *s)
{
	return sut_is_token(s, SUT_MANIFEST_SONAME_MAX, "._-+:~@") && s[0] != '.' && s[0] != '-';
}

/* A path in a package. */
static bool is_file(const char *s)
{
	return s[0] == '/' && sut_is_token(s, 1024, "._-+/,:~@%=") && !strstr(s, "/..") &&
	       !strstr(s, "//");
}

/* Of a symbol: "GLIBC_2.36", "OPENSSL_3.0.0", or none. */
static bool is_version(const char *s)
{
	return !*s || sut_is_token(s, 255, "._-+:~@");
}

static const char *const redirect_names[] = {
	[SUTURE_REDIRECT_NONE] = "none",
	[SUTURE_REDIRECT_JUMP_FENTRY] = "jump-fentry",
	[SUTURE_REDIRECT_JUMP_ENTRY] = "jump-entry",
	[SUTURE_REDIRECT_FTRACE] = "ftrace",
	[SUT_REDIRECT_JUMP_ISLAND] = "jump-island",
};

const char *sut_redirect_name(uint32_t redirect)
{
	return redirect_names[redirect < SUT_ARRAY_SIZE(redirect_names) ? redirect : 0];
}

static int get_redirect(const struct sut_json_at *at, bool library, uint32_t *ret)
{
	static const uint32_t kernel[] = {SUTURE_REDIRECT_JUMP_FENTRY, SUTURE_REDIRECT_JUMP_ENTRY,
					  SUTURE_REDIRECT_FTRACE},
			      process[] = {SUTURE_REDIRECT_JUMP_ENTRY, SUT_REDIRECT_JUMP_ISLAND};
	const uint32_t *allowed = library ? process : kernel;
	size_t n = library ? SUT_ARRAY_SIZE(process) : SUT_ARRAY_SIZE(kernel);
	const char *s = "";
	int r = sut_field_string(at, "redirect", &s);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (sut_streq(s, redirect_names[allowed[i]])) {
			*ret = allowed[i];
			return 0;
		}
	}
	return sut_json_bad(at, "redirect",
			    library ? "is not jump-entry or jump-island"
				    : "is not jump-fentry, jump-entry or ftrace");
}

/* ------------------------------------------------------------------ */
/* The parts of the document.                                          */

static int load_symbols(const struct sut_json_at *at, const char *key, bool with_address,
			struct sut_manifest_symbol **ret, size_t *ret_n)
{
	struct sut_json_at list;
	size_t n;
	int r = sut_json_list(at, key, false, 0, SUT_MANIFEST_LIST_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	*ret = calloc(n + 1, sizeof(**ret));
	if (!*ret)
		return sut_err_oom(at->err);
	*ret_n = n;
	for (size_t i = 0; i < n; i++) {
		struct sut_manifest_symbol *s = &(*ret)[i];
		struct sut_json_at e;

		r = sut_field_entry(&list, i, &e);
		if (r == 0)
			r = sut_field_symbol(&e, "name", &s->name);
		if (r == 0)
			r = sut_field_uint(&e, "size", 0, INT32_MAX, &s->size);
		if (r == 0 && with_address)
			r = sut_field_address(&e, "address", &s->address);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_anchors(const struct sut_json_at *at, struct sut_manifest_object *o)
{
	struct sut_json_at list;
	size_t n;
	int r = sut_json_list(at, "anchors", false, 0, SUT_MANIFEST_LIST_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	o->anchors = calloc(n + 1, sizeof(*o->anchors));
	if (!o->anchors)
		return sut_err_oom(at->err);
	o->nanchors = n;
	for (size_t i = 0; i < n; i++) {
		struct sut_json_at e;

		r = sut_field_entry(&list, i, &e);
		if (r == 0)
			r = sut_field_symbol(&e, "symbol", &o->anchors[i].symbol);
		if (r == 0)
			r = sut_field_symbol(&e, "via", &o->anchors[i].via);
		if (r == 0)
			r = sut_field_address(&e, "address", &o->anchors[i].address);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_functions(const struct sut_json_at *at, bool library, struct sut_manifest_object *o)
{
	struct sut_json_at list;
	size_t n;
	int r = sut_json_list(at, "functions", true, 1, SUTURE_MAX_FUNCS, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	o->functions = calloc(n, sizeof(*o->functions));
	if (!o->functions)
		return sut_err_oom(at->err);
	o->nfunctions = n;
	for (size_t i = 0; i < n; i++) {
		struct sut_manifest_func *f = &o->functions[i];
		struct sut_json_at e;

		r = sut_field_entry(&list, i, &e);
		if (r == 0)
			r = sut_field_symbol(&e, "name", &f->name);
		if (r == 0)
			r = sut_field_optional(&e, "source", &f->source);
		if (r == 0 && *f->source && !sut_is_source_path(f->source))
			r = sut_json_bad(&e, "source", "is not a path inside the source tree");
		if (r == 0)
			r = sut_field_address(&e, "address", &f->address);
		if (r == 0)
			r = sut_field_uint(&e, "size", 1, INT32_MAX, &f->size);
		if (r == 0)
			r = sut_field_uint(&e, "new_size", 1, INT32_MAX, &f->new_size);
		if (r == 0)
			r = get_redirect(&e, library, &f->redirect);
		if (r == 0)
			r = load_symbols(&e, "children", true, &f->children, &f->nchildren);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_imports(const struct sut_json_at *at, struct sut_manifest_object *o)
{
	struct sut_json_at list;
	size_t n;
	int r = sut_json_list(at, "imports", false, 0, SUT_LIBRARY_IMPORTS_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	o->imports = calloc(n + 1, sizeof(*o->imports));
	if (!o->imports)
		return sut_err_oom(at->err);
	o->nimports = n;
	for (size_t i = 0; i < n; i++) {
		struct sut_json_at e;

		r = sut_field_entry(&list, i, &e);
		if (r == 0)
			r = sut_field_symbol(&e, "name", &o->imports[i].name);
		if (r == 0)
			r = sut_field_optional(&e, "version", &o->imports[i].version);
		if (r == 0 && !is_version(o->imports[i].version))
			r = sut_json_bad(&e, "version", "is not the version of a symbol");
		if (r < 0)
			return r;
	}
	return 0;
}

/* What only a kernel's object has. */
static int load_module(const struct sut_json_at *at, struct sut_manifest_object *o)
{
	int r = sut_field_string(at, "module", &o->module);

	if (r == 0 && !is_module(o->module))
		r = sut_json_bad(at, "module", "is not a module name that begins with suture_");
	if (r == 0)
		r = sut_field_member_name(at, "expect", &o->expect);
	if (r == 0)
		r = sut_json_bool(at, "keep", &o->keep);
	return r < 0 ? r : load_anchors(at, o);
}

static int no_module(const struct sut_json_at *at, struct sut_manifest_object *o)
{
	static const char *const absent[] = {"module", "expect", "keep", "anchors"};
	int r = 0;

	o->module = o->expect = "";
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(absent); i++)
		r = sut_field_absent(at, absent[i], "is there, though the patch is for a library");
	return r < 0 ? r : load_imports(at, o);
}

/* "vmlinux", or the soname of the target. */
static int check_object(const struct sut_json_at *at, const struct sut_manifest *m,
			const struct sut_manifest_object *o)
{
	if (sut_manifest_is_library(m))
		return sut_streq(o->object, m->target.soname)
			       ? 0
			       : sut_json_bad(at, "object", "is not %s, the soname of the target",
					      m->target.soname);
	if (!is_object(o->object))
		return sut_json_bad(at, "object", "is neither vmlinux nor the name of a module");
	if (!sut_streq(o->object, "vmlinux"))
		return sut_err_reason(at->err, EPROTONOSUPPORT, "version",
				      "the patch changes the kernel module %s and this suture only "
				      "knows vmlinux. Upgrade suture",
				      o->object);
	return 0;
}

static int load_object(const struct sut_json_at *at, const struct sut_manifest *m,
		       struct sut_manifest_object *o)
{
	bool library = sut_manifest_is_library(m);
	int r = sut_field_string(at, "object", &o->object);

	if (r == 0)
		r = check_object(at, m, o);
	if (r == 0)
		r = sut_field_member_name(at, "payload", &o->payload);
	if (r == 0)
		r = library ? no_module(at, o) : load_module(at, o);
	if (r == 0)
		r = load_functions(at, library, o);
	if (r == 0)
		r = load_symbols(at, "new_functions", false, &o->new_functions, &o->nnew_functions);
	return r < 0 ? r : load_symbols(at, "new_data", false, &o->new_data, &o->nnew_data);
}

static int load_objects(const struct sut_json_at *top, struct sut_manifest *m)
{
	struct sut_json_at list;
	size_t n;
	int r = sut_json_list(top, "objects", true, 1,
			      sut_manifest_is_library(m) ? 1 : SUT_MANIFEST_OBJECTS_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	m->objects = calloc(n, sizeof(*m->objects));
	if (!m->objects)
		return sut_err_oom(top->err);
	m->nobjects = n;
	for (size_t i = 0; i < n; i++) {
		struct sut_json_at e;

		r = sut_field_entry(&list, i, &e);
		if (r == 0)
			r = load_object(&e, m, &m->objects[i]);
		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++)
			if (sut_streq(m->objects[i].object, m->objects[j].object) ||
			    sut_streq(m->objects[i].module, m->objects[j].module))
				return sut_json_bad(&e, "", "repeats objects[%zu]", j);
	}
	if (sut_manifest_count_functions(m) > SUTURE_MAX_FUNCS)
		return sut_json_bad(&list, "", "hold more than %d functions", SUTURE_MAX_FUNCS);
	return 0;
}

static int load_fixes(const struct sut_json_at *top, struct sut_manifest *m)
{
	struct sut_json_at list;
	size_t n;
	int r = sut_json_list(top, "fixes", true, 0, SUT_MANIFEST_FIXES_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	m->fixes = calloc(n + 1, sizeof(*m->fixes));
	if (!m->fixes)
		return sut_err_oom(top->err);
	m->nfixes = n;
	for (size_t i = 0; i < n; i++) {
		struct sut_manifest_fix *f = &m->fixes[i];
		struct sut_json_at e;

		r = sut_field_entry(&list, i, &e);
		if (r == 0)
			r = sut_field_member_name(&e, "member", &f->member);
		if (r == 0)
			r = sut_field_sha256(&e, "sha256", &f->sha256);
		if (r == 0)
			r = sut_field_strings(&e, "files", true, SUT_MANIFEST_LIST_MAX,
					      sut_is_source_path, "a path inside the source tree",
					      &f->files, &f->nfiles);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_members(const struct sut_json_at *top, struct sut_manifest *m)
{
	struct sut_json_at list;
	size_t n;
	int r = sut_json_list(top, "members", true, 1, SUT_PATCH_MEMBERS_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	m->members = calloc(n, sizeof(*m->members));
	if (!m->members)
		return sut_err_oom(top->err);
	m->nmembers = n;
	for (size_t i = 0; i < n; i++) {
		struct sut_manifest_member *mem = &m->members[i];
		uint32_t size;
		struct sut_json_at e;

		r = sut_field_entry(&list, i, &e);
		if (r == 0)
			r = sut_field_member_name(&e, "name", &mem->name);
		if (r == 0)
			r = sut_field_uint(&e, "size", 0, SUT_PATCH_MEMBER_MAX, &size);
		if (r == 0)
			r = sut_field_sha256(&e, "sha256", &mem->sha256);
		if (r < 0)
			return r;
		mem->size = size;
		if (sut_streq(mem->name, "manifest.json"))
			return sut_json_bad(&e, "name",
					    "is manifest.json, which cannot list itself");
		for (size_t j = 0; j < i; j++)
			if (sut_streq(mem->name, m->members[j].name))
				return sut_json_bad(&e, "name", "\"%s\" is there twice", mem->name);
	}
	return 0;
}

static const struct sut_manifest_member *find_member(const struct sut_manifest *m, const char *name)
{
	for (size_t i = 0; i < m->nmembers; i++)
		if (sut_streq(m->members[i].name, name))
			return &m->members[i];
	return NULL;
}

/* What the other parts name must be in the file. */
static int check_references(const struct sut_json_at *top, const struct sut_manifest *m)
{
	for (size_t i = 0; i < m->nobjects; i++) {
		if (!find_member(m, m->objects[i].payload))
			return sut_json_bad(top, "members", "do not have the payload %s",
					    m->objects[i].payload);
		if (!sut_manifest_is_library(m) && !find_member(m, m->objects[i].expect))
			return sut_json_bad(top, "members", "do not have the expected bytes %s",
					    m->objects[i].expect);
	}
	for (size_t i = 0; i < m->nfixes; i++) {
		const struct sut_manifest_member *mem = find_member(m, m->fixes[i].member);

		if (!mem || !sut_streq(mem->sha256, m->fixes[i].sha256))
			return sut_json_bad(top, "members",
					    "do not have the fix %s with its sha256",
					    m->fixes[i].member);
	}
	return 0;
}

static int load_kernel(const struct sut_json_at *t, struct sut_manifest *m)
{
	int r = sut_field_string(t, "release", &m->target.release);

	if (r == 0)
		r = sut_field_optional(t, "banner", &m->target.banner);
	if (r == 0 && *m->target.banner && !is_banner(m->target.banner))
		r = sut_json_bad(t, "banner",
				 "is not the text of /proc/version without its newline");
	return r;
}

static int load_library(const struct sut_json_at *t, struct sut_manifest *m)
{
	int r = sut_field_string(t, "file", &m->target.file);

	if (r == 0 && !is_file(m->target.file))
		r = sut_json_bad(t, "file", "is not the path of a file in a package");
	if (r == 0)
		r = sut_field_string(t, "soname", &m->target.soname);
	if (r == 0 && !is_soname(m->target.soname))
		r = sut_json_bad(t, "soname", "is not the name of a library or program");
	if (r == 0)
		r = sut_field_optional(t, "source", &m->target.source);
	if (r == 0)
		r = sut_field_optional(t, "source_version", &m->target.source_version);
	if (r == 0)
		r = sut_field_absent(t, "release", "is there, though the patch is for a library");
	return r < 0 ? r
		     : sut_field_absent(t, "banner", "is there, though the patch is for a library");
}

static int load_target(const struct sut_json_at *top, struct sut_manifest *m)
{
	const char *build_id;
	struct sut_json_at t;
	int r = sut_json_object(top, "target", true, &t);

	m->target.release = m->target.banner = m->target.file = m->target.soname = "";
	m->target.source = m->target.source_version = "";
	if (r == 0)
		r = sut_field_string(&t, "kind", &m->target.kind);
	if (r == 0 && !sut_streq(m->target.kind, "kernel") && !sut_manifest_is_library(m))
		return sut_err_reason(
			top->err, EPROTONOSUPPORT, "version",
			"this patch is for a %.32s and this suture only knows kernels and libraries. "
			"Upgrade suture",
			m->target.kind);
	if (r == 0)
		r = sut_field_string(&t, "name", &m->target.name);
	if (r == 0)
		r = sut_field_string(&t, "arch", &m->target.arch);
	if (r == 0)
		r = sut_field_optional(&t, "package", &m->target.package);
	if (r == 0)
		r = sut_field_optional(&t, "package_version", &m->target.package_version);
	if (r == 0)
		r = sut_manifest_is_library(m) ? load_library(&t, m) : load_kernel(&t, m);
	if (r == 0)
		r = sut_field_string(&t, "build_id", &build_id);
	if (r == 0 && sut_unhex(build_id, m->target.build_id, SUTURE_BUILD_ID_LEN) < 0)
		r = sut_json_bad(&t, "build_id", "is not %d hexadecimal digits",
				 2 * SUTURE_BUILD_ID_LEN);
	return r;
}

/* Before anything else: a newer format may mean other things by every field. */
static int check_format(const struct sut_json_at *top)
{
	const char *format;
	uint32_t version;
	json_t *list, *word;
	size_t i;
	int r;

	if (!json_is_object(top->node))
		return sut_json_bad(top, "", "the document is not an object");
	r = sut_field_string(top, "format", &format);
	if (r < 0)
		return r;
	if (!sut_streq(format, "suture-patch"))
		return sut_json_bad(top, "format", "is not \"suture-patch\"");
	r = sut_field_uint(top, "version", 1, INT32_MAX, &version);
	if (r < 0)
		return r;
	if (version != SUT_PATCH_VERSION)
		return sut_err_reason(top->err, EPROTONOSUPPORT, "version",
				      "the patch has format version %u and this suture reads "
				      "version %d. Upgrade suture",
				      version, SUT_PATCH_VERSION);
	/* Version 1 has no word a reader must know; a later one may add some. */
	list = json_object_get(top->node, "requires");
	if (list && !json_is_array(list))
		return sut_json_bad(top, "requires", "is not a list");
	json_array_foreach(list, i, word)
		return sut_err_reason(top->err, EPROTONOSUPPORT, "version",
				      "the patch needs \"%.64s\", which this suture does not know. "
				      "Upgrade suture",
				      json_is_string(word) ? json_string_value(word) : "?");
	return 0;
}

/* Kernels and libraries have levels of their own: policies, feeds and people tell their patches apart by the name. */
static int check_name(const struct sut_json_at *top, const struct sut_manifest *m)
{
	bool library = sut_manifest_is_library(m);

	if ((m->id[0] == 'U') == library)
		return 0;
	return sut_json_bad(top, "id",
			    library ? "does not begin with U, as those of libraries do"
				    : "begins with U, as only those of libraries do");
}

static int load_head(const struct sut_json_at *top, struct sut_manifest *m)
{
	struct sut_json_at engine;
	int r = sut_field_string(top, "id", &m->id);

	if (r == 0 && (!sut_is_token(m->id, SUTURE_ID_MAX - 1, "._-") || m->id[0] == '.'))
		r = sut_json_bad(top, "id", "is not 1 to %d characters of A-Z a-z 0-9 . _ -",
				 SUTURE_ID_MAX - 1);
	if (r == 0)
		r = sut_field_uint(top, "level", 1, INT32_MAX, &m->level);
	if (r == 0)
		r = sut_field_string(top, "created", &m->created);
	if (r == 0 && !is_time(m->created))
		r = sut_json_bad(top, "created", "is not a time like \"2026-11-21T20:15:00Z\"");
	if (r == 0)
		r = sut_field_string(top, "generator", &m->generator);
	if (r == 0)
		r = load_target(top, m);
	if (r == 0)
		r = check_name(top, m);
	if (r == 0)
		r = sut_json_object(top, "engine", true, &engine);
	if (r == 0)
		r = sut_field_uint(&engine, "abi", 1, INT32_MAX, &m->engine_abi);
	if (r == 0)
		r = sut_field_strings(top, "cves", true, SUT_MANIFEST_CVES_MAX, is_cve,
				      "a name like CVE-2026-1234", &m->cves, &m->ncves);
	if (r == 0)
		r = sut_field_strings(top, "busy", false, SUTURE_MAX_FUNCS,
				      sut_manifest_is_library(m) ? is_long_symbol : is_symbol,
				      "the name of a function", &m->busy, &m->nbusy);
	return r;
}

int sut_manifest_load(json_t *root, struct sut_manifest **ret, struct sut_err *err)
{
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	struct sut_json_at top = sut_field_top(root, err);
	int r = sut_field_check_text(&top, root, 0);

	top.own = SUTURE_NAME_MAX - 1;
	if (r == 0)
		r = check_format(&top);
	if (r < 0)
		return r;
	m = calloc(1, sizeof(*m));
	if (!m)
		return sut_err_oom(err);
	m->root = json_incref(root);
	r = load_head(&top, m);
	if (r == 0 && sut_manifest_is_library(m))
		top.own = SUT_LIBRARY_NAME_MAX - 1;
	if (r == 0)
		r = load_fixes(&top, m);
	if (r == 0)
		r = load_objects(&top, m);
	if (r == 0)
		r = load_members(&top, m);
	if (r == 0)
		r = check_references(&top, m);
	if (r < 0)
		return r;
	*ret = sut_steal(m);
	return 0;
}

void sut_manifest_free(struct sut_manifest *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->objects && i < m->nobjects; i++) {
		struct sut_manifest_object *o = &m->objects[i];

		for (size_t j = 0; j < o->nfunctions; j++)
			free(o->functions[j].children);
		free(o->functions);
		free(o->new_functions);
		free(o->new_data);
		free(o->anchors);
		free(o->imports);
	}
	for (size_t i = 0; i < m->nfixes; i++)
		free(m->fixes[i].files);
	free(m->objects);
	free(m->fixes);
	free(m->members);
	free(m->cves);
	free(m->busy);
	json_decref(m->root);
	free(m);
}

void sut_manifest_freep(struct sut_manifest **m)
{
	sut_manifest_free(*m);
}

const struct sut_manifest_object *sut_manifest_object(const struct sut_manifest *m,
						      const char *object)
{
	for (size_t i = 0; i < m->nobjects; i++)
		if (sut_streq(m->objects[i].object, object))
			return &m->objects[i];
	return NULL;
}

size_t sut_manifest_count_functions(const struct sut_manifest *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->nobjects; i++)
		n += m->objects[i].nfunctions;
	return n;
}

bool sut_manifest_is_library(const struct sut_manifest *m)
{
	return sut_streq(m->target.kind, "library");
}

int sut_manifest_need_kernel(const struct sut_manifest *m, struct sut_err *err)
{
	if (!sut_manifest_is_library(m))
		return 0;
	return sut_err_reason(
		err, EMEDIUMTYPE, "library",
		"this is a patch of a library, %s of %s, not of the kernel. Where suture runs as an agent, 'suture lib update' puts it into the running processes; 'suture-process apply' does it by hand for one process",
		m->target.soname, m->target.name);
}

const char *sut_patch_file_name(bool library)
{
	return library ? "upatch.bin" : "kpatch.bin";
}
