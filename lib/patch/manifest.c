// SPDX-License-Identifier: Apache-2.0
#include "patch/manifest.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "patch/container.h"

/* Where we are in the document, for messages. */
struct at {
	const json_t *node;
	char path[160];
	struct sut_err *err;
};

static int bad(const struct at *at, const char *key, const char *fmt, ...) _printf_(3, 4);

static int bad(const struct at *at, const char *key, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return sut_err_reason(at->err, EBADMSG, "manifest",
			      "manifest.json: %s%s%s %s. "
			      "Download the patch again; if that does not help, tell its author",
			      at->path, *at->path && *key ? "." : "", key, what);
}

/* ------------------------------------------------------------------ */
/* Getters: each writes its output or says which field is wrong.       */

static bool is_token(const char *s, size_t max, const char *extra)
{
	size_t n = strlen(s);

	if (n == 0 || n > max)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(extra, s[i]))
			return false;
	return true;
}

bool sut_member_name_ok(const char *name)
{
	return is_token(name, 100, "._-") && name[0] != '.';
}

static bool is_symbol(const char *s)
{
	return is_token(s, SUTURE_NAME_MAX - 1, "._$");
}

static int get_optional(const struct at *at, const char *key, const char **ret)
{
	json_t *v = json_object_get(at->node, key);

	if (!v) {
		*ret = "";
		return 0;
	}
	if (!json_is_string(v))
		return bad(at, key, "is not a string");
	*ret = json_string_value(v);
	return 0;
}

static int get_string(const struct at *at, const char *key, const char **ret)
{
	const char *s = "";
	int r = get_optional(at, key, &s);

	if (r < 0)
		return r;
	if (!*s)
		return bad(at, key, "is missing or empty");
	*ret = s;
	return 0;
}

static int get_uint(const struct at *at, const char *key, uint32_t min, uint32_t max, uint32_t *ret)
{
	json_t *v = json_object_get(at->node, key);

	if (!json_is_integer(v))
		return bad(at, key, "is missing or not an integer");
	if (json_integer_value(v) < min || json_integer_value(v) > max)
		return bad(at, key, "is %lld (%u to %u are possible)",
			   (long long)json_integer_value(v), min, max);
	*ret = (uint32_t)json_integer_value(v);
	return 0;
}

static int get_bool(const struct at *at, const char *key, bool *ret)
{
	json_t *v = json_object_get(at->node, key);

	if (v && !json_is_boolean(v))
		return bad(at, key, "is neither true nor false");
	*ret = json_is_true(v);
	return 0;
}

/* "0x" and 1 to 16 lower-case digits: JSON numbers cannot hold 64 bits everywhere. */
static int get_address(const struct at *at, const char *key, uint64_t *ret)
{
	const char *s = "";
	int r = get_string(at, key, &s);

	if (r < 0)
		return r;
	if (!sut_startswith(s, "0x") || sut_parse_u64(s, UINT64_MAX, ret) < 0 || *ret == 0)
		return bad(at, key, "is not an address like \"0xffffffff81000000\"");
	return 0;
}

static int get_symbol(const struct at *at, const char *key, const char **ret)
{
	int r = get_string(at, key, ret);

	if (r < 0)
		return r;
	return is_symbol(*ret) ? 0 : bad(at, key, "is not the name of a symbol");
}

static int get_member_name(const struct at *at, const char *key, const char **ret)
{
	int r = get_string(at, key, ret);

	if (r < 0)
		return r;
	return sut_member_name_ok(*ret) ? 0 : bad(at, key, "is not the name of a member");
}

static int get_sha256(const struct at *at, const char *key, const char **ret)
{
	int r = get_string(at, key, ret);

	if (r < 0)
		return r;
	if (strlen(*ret) != 64 || strspn(*ret, "0123456789abcdef") != 64)
		return bad(at, key, "is not 64 lower-case hexadecimal digits");
	return 0;
}

static int get_array(const struct at *at, const char *key, bool must, size_t min, size_t max,
		     struct at *ret)
{
	json_t *v = json_object_get(at->node, key);
	size_t n = json_array_size(v);

	if (v ? !json_is_array(v) : must)
		return bad(at, key, "is missing or not a list");
	if (n < min || n > max)
		return bad(at, key, "has %zu entries (%zu to %zu are possible)", n, min, max);
	*ret = (struct at){.node = v, .err = at->err};
	snprintf(ret->path, sizeof(ret->path), "%.110s%s%s", at->path, *at->path ? "." : "", key);
	return 0;
}

static int get_object(const struct at *at, const char *key, struct at *ret)
{
	json_t *v = json_object_get(at->node, key);

	if (!json_is_object(v))
		return bad(at, key, "is missing or not an object");
	*ret = (struct at){.node = v, .err = at->err};
	snprintf(ret->path, sizeof(ret->path), "%.110s%s%s", at->path, *at->path ? "." : "", key);
	return 0;
}

static int get_entry(const struct at *list, size_t i, struct at *ret)
{
	json_t *v = json_array_get(list->node, i);

	*ret = (struct at){.node = v, .err = list->err};
	snprintf(ret->path, sizeof(ret->path), "%.140s[%zu]", list->path, i);
	return json_is_object(v) ? 0 : bad(ret, "", "is not an object");
}

/* A list of strings; each must pass ok(). */
static int get_strings(const struct at *at, const char *key, bool must, size_t max,
		       bool (*ok)(const char *s), const char *what, const char ***ret,
		       size_t *ret_n)
{
	struct at list;
	size_t n;
	int r = get_array(at, key, must, 0, max, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	*ret = calloc(n + 1, sizeof(**ret));
	if (!*ret)
		return sut_err_oom(at->err);
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(list.node, i));

		if (!s || !ok(s))
			return bad(&list, "", "entry %zu is not %s", i, what);
		(*ret)[i] = s;
	}
	*ret_n = n;
	return 0;
}

/* ------------------------------------------------------------------ */
/* Small formats.                                                      */

static bool is_cve(const char *s)
{
	size_t n;

	if (!sut_startswith(s, "CVE-") || strspn(s + 4, "0123456789") != 4 || s[8] != '-')
		return false;
	n = strspn(s + 9, "0123456789");
	return n >= 4 && n <= 19 && s[9 + n] == 0;
}

static bool is_path(const char *s)
{
	return is_token(s, 1024, "._-+/,") && s[0] != '/' && !strstr(s, "..");
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
	return is_token(s, SUTURE_MODULE_MAX - 1, "_") && sut_startswith(s, "suture_");
}

static bool is_object(const char *s)
{
	return is_token(s, SUTURE_MODULE_MAX - 1, "_-");
}

static const char *const redirect_names[] = {
	[SUTURE_REDIRECT_NONE] = "none",
	[SUTURE_REDIRECT_JUMP_FENTRY] = "jump-fentry",
	[SUTURE_REDIRECT_JUMP_ENTRY] = "jump-entry",
	[SUTURE_REDIRECT_FTRACE] = "ftrace",
};

const char *sut_redirect_name(uint32_t redirect)
{
	return redirect_names[redirect < SUT_ARRAY_SIZE(redirect_names) ? redirect : 0];
}

static int get_redirect(const struct at *at, uint32_t *ret)
{
	const char *s = "";
	int r = get_string(at, "redirect", &s);

	if (r < 0)
		return r;
	for (uint32_t i = SUTURE_REDIRECT_JUMP_FENTRY; i < SUT_ARRAY_SIZE(redirect_names); i++) {
		if (sut_streq(s, redirect_names[i])) {
			*ret = i;
			return 0;
		}
	}
	return bad(at, "redirect", "is not jump-fentry, jump-entry or ftrace");
}

/* Text of an unverified file goes to terminals and logs: nothing in it may be a command for them, or
 * make it look like other text. */
static bool is_clean(const char *s)
{
	size_t len = strlen(s);
	const uint8_t *p = (const uint8_t *)s, *end = p + len;

	while (p < end)
		if (!sut_is_printable(sut_utf8_next(&p, end)))
			return false;
	return len <= SUT_MANIFEST_STRING_MAX;
}

static int check_text(const struct at *top, const json_t *v, unsigned int depth)
{
	const char *key;
	json_t *child;
	size_t i;
	int r;

	if (depth > SUT_MANIFEST_DEPTH_MAX)
		return bad(top, "", "is nested too deeply");
	if (json_is_string(v) && !is_clean(json_string_value(v)))
		return bad(top, "", "holds a string that is too long or has a control character");
	json_array_foreach(v, i, child) {
		r = check_text(top, child, depth + 1);
		if (r < 0)
			return r;
	}
	json_object_foreach((json_t *)v, key, child) {
		if (!is_clean(key))
			return bad(top, "", "holds a key with a control character");
		r = check_text(top, child, depth + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ------------------------------------------------------------------ */
/* The parts of the document.                                          */

static int load_symbols(const struct at *at, const char *key, bool with_address,
			struct sut_manifest_symbol **ret, size_t *ret_n)
{
	struct at list;
	size_t n;
	int r = get_array(at, key, false, 0, SUT_MANIFEST_LIST_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	*ret = calloc(n + 1, sizeof(**ret));
	if (!*ret)
		return sut_err_oom(at->err);
	*ret_n = n;
	for (size_t i = 0; i < n; i++) {
		struct sut_manifest_symbol *s = &(*ret)[i];
		struct at e;

		r = get_entry(&list, i, &e);
		if (r == 0)
			r = get_symbol(&e, "name", &s->name);
		if (r == 0)
			r = get_uint(&e, "size", 0, INT32_MAX, &s->size);
		if (r == 0 && with_address)
			r = get_address(&e, "address", &s->address);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_anchors(const struct at *at, struct sut_manifest_object *o)
{
	struct at list;
	size_t n;
	int r = get_array(at, "anchors", false, 0, SUT_MANIFEST_LIST_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	o->anchors = calloc(n + 1, sizeof(*o->anchors));
	if (!o->anchors)
		return sut_err_oom(at->err);
	o->nanchors = n;
	for (size_t i = 0; i < n; i++) {
		struct at e;

		r = get_entry(&list, i, &e);
		if (r == 0)
			r = get_symbol(&e, "symbol", &o->anchors[i].symbol);
		if (r == 0)
			r = get_symbol(&e, "via", &o->anchors[i].via);
		if (r == 0)
			r = get_address(&e, "address", &o->anchors[i].address);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_functions(const struct at *at, struct sut_manifest_object *o)
{
	struct at list;
	size_t n;
	int r = get_array(at, "functions", true, 1, SUTURE_MAX_FUNCS, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	o->functions = calloc(n, sizeof(*o->functions));
	if (!o->functions)
		return sut_err_oom(at->err);
	o->nfunctions = n;
	for (size_t i = 0; i < n; i++) {
		struct sut_manifest_func *f = &o->functions[i];
		struct at e;

		r = get_entry(&list, i, &e);
		if (r == 0)
			r = get_symbol(&e, "name", &f->name);
		if (r == 0)
			r = get_optional(&e, "source", &f->source);
		if (r == 0 && *f->source && !is_path(f->source))
			r = bad(&e, "source", "is not a path inside the source tree");
		if (r == 0)
			r = get_address(&e, "address", &f->address);
		if (r == 0)
			r = get_uint(&e, "size", 1, INT32_MAX, &f->size);
		if (r == 0)
			r = get_uint(&e, "new_size", 1, INT32_MAX, &f->new_size);
		if (r == 0)
			r = get_redirect(&e, &f->redirect);
		if (r == 0)
			r = load_symbols(&e, "children", true, &f->children, &f->nchildren);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_object(const struct at *at, struct sut_manifest_object *o)
{
	int r = get_string(at, "object", &o->object);

	if (r == 0 && !is_object(o->object))
		r = bad(at, "object", "is neither vmlinux nor the name of a module");
	if (r == 0 && !sut_streq(o->object, "vmlinux"))
		return sut_err_reason(at->err, EPROTONOSUPPORT, "version",
				      "the patch changes the kernel module %s and this suture only "
				      "knows vmlinux. Upgrade suture",
				      o->object);
	if (r == 0)
		r = get_member_name(at, "payload", &o->payload);
	if (r == 0)
		r = get_string(at, "module", &o->module);
	if (r == 0 && !is_module(o->module))
		r = bad(at, "module", "is not a module name that begins with suture_");
	if (r == 0)
		r = get_member_name(at, "expect", &o->expect);
	if (r == 0)
		r = get_bool(at, "keep", &o->keep);
	if (r == 0)
		r = load_functions(at, o);
	if (r == 0)
		r = load_symbols(at, "new_functions", false, &o->new_functions, &o->nnew_functions);
	if (r == 0)
		r = load_symbols(at, "new_data", false, &o->new_data, &o->nnew_data);
	return r < 0 ? r : load_anchors(at, o);
}

static int load_objects(const struct at *top, struct sut_manifest *m)
{
	struct at list;
	size_t n;
	int r = get_array(top, "objects", true, 1, SUT_MANIFEST_OBJECTS_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	m->objects = calloc(n, sizeof(*m->objects));
	if (!m->objects)
		return sut_err_oom(top->err);
	m->nobjects = n;
	for (size_t i = 0; i < n; i++) {
		struct at e;

		r = get_entry(&list, i, &e);
		if (r == 0)
			r = load_object(&e, &m->objects[i]);
		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++)
			if (sut_streq(m->objects[i].object, m->objects[j].object) ||
			    sut_streq(m->objects[i].module, m->objects[j].module))
				return bad(&e, "", "repeats objects[%zu]", j);
	}
	if (sut_manifest_count_functions(m) > SUTURE_MAX_FUNCS)
		return bad(&list, "", "hold more than %d functions", SUTURE_MAX_FUNCS);
	return 0;
}

static int load_fixes(const struct at *top, struct sut_manifest *m)
{
	struct at list;
	size_t n;
	int r = get_array(top, "fixes", true, 0, SUT_MANIFEST_FIXES_MAX, &list);

	if (r < 0)
		return r;
	n = json_array_size(list.node);
	m->fixes = calloc(n + 1, sizeof(*m->fixes));
	if (!m->fixes)
		return sut_err_oom(top->err);
	m->nfixes = n;
	for (size_t i = 0; i < n; i++) {
		struct sut_manifest_fix *f = &m->fixes[i];
		struct at e;

		r = get_entry(&list, i, &e);
		if (r == 0)
			r = get_member_name(&e, "member", &f->member);
		if (r == 0)
			r = get_sha256(&e, "sha256", &f->sha256);
		if (r == 0)
			r = get_strings(&e, "files", true, SUT_MANIFEST_LIST_MAX, is_path,
					"a path inside the source tree", &f->files, &f->nfiles);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_members(const struct at *top, struct sut_manifest *m)
{
	struct at list;
	size_t n;
	int r = get_array(top, "members", true, 1, SUT_PATCH_MEMBERS_MAX, &list);

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
		struct at e;

		r = get_entry(&list, i, &e);
		if (r == 0)
			r = get_member_name(&e, "name", &mem->name);
		if (r == 0)
			r = get_uint(&e, "size", 0, SUT_PATCH_MEMBER_MAX, &size);
		if (r == 0)
			r = get_sha256(&e, "sha256", &mem->sha256);
		if (r < 0)
			return r;
		mem->size = size;
		if (sut_streq(mem->name, "manifest.json"))
			return bad(&e, "name", "is manifest.json, which cannot list itself");
		for (size_t j = 0; j < i; j++)
			if (sut_streq(mem->name, m->members[j].name))
				return bad(&e, "name", "\"%s\" is there twice", mem->name);
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
static int check_references(const struct at *top, const struct sut_manifest *m)
{
	for (size_t i = 0; i < m->nobjects; i++) {
		if (!find_member(m, m->objects[i].payload))
			return bad(top, "members", "do not have the payload %s",
				   m->objects[i].payload);
		if (!find_member(m, m->objects[i].expect))
			return bad(top, "members", "do not have the expected bytes %s",
				   m->objects[i].expect);
	}
	for (size_t i = 0; i < m->nfixes; i++) {
		const struct sut_manifest_member *mem = find_member(m, m->fixes[i].member);

		if (!mem || !sut_streq(mem->sha256, m->fixes[i].sha256))
			return bad(top, "members", "do not have the fix %s with its sha256",
				   m->fixes[i].member);
	}
	return 0;
}

static int load_target(const struct at *top, struct sut_manifest *m)
{
	const char *build_id;
	struct at t;
	int r = get_object(top, "target", &t);

	if (r == 0)
		r = get_string(&t, "kind", &m->target.kind);
	if (r == 0 && !sut_streq(m->target.kind, "kernel"))
		return sut_err_reason(
			top->err, EPROTONOSUPPORT, "version",
			"this patch is for a %.32s and this suture only knows kernels. "
			"Upgrade suture",
			m->target.kind);
	if (r == 0)
		r = get_string(&t, "name", &m->target.name);
	if (r == 0)
		r = get_string(&t, "arch", &m->target.arch);
	if (r == 0)
		r = get_string(&t, "release", &m->target.release);
	if (r == 0)
		r = get_optional(&t, "package", &m->target.package);
	if (r == 0)
		r = get_optional(&t, "package_version", &m->target.package_version);
	if (r == 0)
		r = get_optional(&t, "banner", &m->target.banner);
	if (r == 0 && *m->target.banner && !is_banner(m->target.banner))
		r = bad(&t, "banner", "is not the text of /proc/version without its newline");
	if (r == 0)
		r = get_string(&t, "build_id", &build_id);
	if (r == 0 && sut_unhex(build_id, m->target.build_id, SUTURE_BUILD_ID_LEN) < 0)
		r = bad(&t, "build_id", "is not %d hexadecimal digits", 2 * SUTURE_BUILD_ID_LEN);
	return r;
}

/* Before anything else: a newer format may mean other things by every field. */
static int check_format(const struct at *top)
{
	const char *format;
	uint32_t version;
	json_t *list, *word;
	size_t i;
	int r;

	if (!json_is_object(top->node))
		return bad(top, "", "the document is not an object");
	r = get_string(top, "format", &format);
	if (r < 0)
		return r;
	if (!sut_streq(format, "suture-patch"))
		return bad(top, "format", "is not \"suture-patch\"");
	r = get_uint(top, "version", 1, INT32_MAX, &version);
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
		return bad(top, "requires", "is not a list");
	json_array_foreach(list, i, word)
		return sut_err_reason(top->err, EPROTONOSUPPORT, "version",
				      "the patch needs \"%.64s\", which this suture does not know. "
				      "Upgrade suture",
				      json_is_string(word) ? json_string_value(word) : "?");
	return 0;
}

static int load_head(const struct at *top, struct sut_manifest *m)
{
	struct at engine;
	int r = get_string(top, "id", &m->id);

	if (r == 0 && (!is_token(m->id, SUTURE_ID_MAX - 1, "._-") || m->id[0] == '.'))
		r = bad(top, "id", "is not 1 to %d characters of A-Z a-z 0-9 . _ -",
			SUTURE_ID_MAX - 1);
	if (r == 0)
		r = get_uint(top, "level", 1, INT32_MAX, &m->level);
	if (r == 0)
		r = get_string(top, "created", &m->created);
	if (r == 0 && !is_time(m->created))
		r = bad(top, "created", "is not a time like \"2026-11-21T20:15:00Z\"");
	if (r == 0)
		r = get_string(top, "generator", &m->generator);
	if (r == 0)
		r = load_target(top, m);
	if (r == 0)
		r = get_object(top, "engine", &engine);
	if (r == 0)
		r = get_uint(&engine, "abi", 1, INT32_MAX, &m->engine_abi);
	if (r == 0)
		r = get_strings(top, "cves", true, SUT_MANIFEST_CVES_MAX, is_cve,
				"a name like CVE-2026-1234", &m->cves, &m->ncves);
	if (r == 0)
		r = get_strings(top, "busy", false, SUTURE_MAX_FUNCS, is_symbol,
				"the name of a function", &m->busy, &m->nbusy);
	return r;
}

int sut_manifest_load(json_t *root, struct sut_manifest **ret, struct sut_err *err)
{
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	struct at top = {.node = root, .err = err};
	int r = check_text(&top, root, 0);

	if (r == 0)
		r = check_format(&top);
	if (r < 0)
		return r;
	m = calloc(1, sizeof(*m));
	if (!m)
		return sut_err_oom(err);
	m->root = json_incref(root);
	r = load_head(&top, m);
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
