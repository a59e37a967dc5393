// SPDX-License-Identifier: Apache-2.0
/* patch/manifest.h: a good manifest gives its values, a bad one names its field. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "base/str.h"
#include "patch/library.h"
#include "patch/manifest.h"
#include "sample_patch.h"

static void json_freep(json_t **j)
{
	json_decref(*j);
}

/* Sets (or with NULL removes) the value at a path like "objects.0.keep". */
static void set(json_t *root, const char *path, const char *value)
{
	_cleanup_(sut_freep) char *copy = strdup(path);
	char *save = NULL, *part = strtok_r(copy, ".", &save), *next;
	json_t *v = NULL;

	while ((next = strtok_r(NULL, ".", &save))) {
		root = json_is_array(root) ? json_array_get(root, strtoul(part, NULL, 10))
					   : json_object_get(root, part);
		part = next;
	}
	if (value) {
		v = json_loads(value, JSON_DECODE_ANY, NULL);
		assert_non_null(v);
	}
	if (!v)
		assert_int_equal(json_object_del(root, part), 0);
	else if (json_is_array(root))
		assert_int_equal(strtoul(part, NULL, 10) == json_array_size(root)
					 ? json_array_append_new(root, v)
					 : json_array_set_new(root, strtoul(part, NULL, 10), v),
				 0);
	else
		assert_int_equal(json_object_set_new(root, part, v), 0);
}

static void good_manifest_gives_its_values(void **state _unused_)
{
	_cleanup_(json_freep) json_t *j = sample_manifest_full();
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	struct sut_err err = {0};
	const struct sut_manifest_object *o;

	assert_int_equal(sut_manifest_load(j, &m, &err), 0);
	assert_string_equal(m->id, "K20261121_01");
	assert_int_equal(m->level, 3);
	assert_string_equal(m->target.release, "6.1.0-47-cloud-amd64");
	assert_int_equal(m->target.build_id[0], 0x6d);
	assert_int_equal(m->engine_abi, 1);
	assert_int_equal(m->ncves, 1);
	assert_string_equal(m->cves[0], "CVE-2026-52928");
	assert_int_equal(m->nfixes, 1);
	assert_string_equal(m->fixes[0].files[0], "net/unix/af_unix.c");
	assert_int_equal(m->nmembers, 3);
	assert_int_equal(m->nbusy, 1);
	assert_null(sut_manifest_object(m, "xt_multiport"));
	o = sut_manifest_object(m, "vmlinux");
	assert_non_null(o);
	assert_string_equal(o->module, "suture_k20261121_01");
	assert_false(o->keep);
	assert_int_equal(o->nfunctions, 1);
	assert_true(o->functions[0].address == 0xffffffff81b0a000);
	assert_int_equal(o->functions[0].redirect, SUTURE_REDIRECT_JUMP_FENTRY);
	assert_string_equal(o->functions[0].children[0].name, "unix_ioctl.cold");
	assert_string_equal(o->new_functions[0].name, "unix_check");
	assert_int_equal(o->new_data[0].size, 4);
	assert_string_equal(o->anchors[0].via, "_printk");
}

static void banner_is_optional_and_bounded(void **state _unused_)
{
	_cleanup_(json_freep) json_t *j = sample_manifest_full();
	json_t *target = json_object_get(j, "target");
	char text[SUT_MANIFEST_BANNER_MAX + 2] = "Linux version ";
	struct sut_manifest *m = NULL;
	struct sut_err err = {0};

	assert_ok(sut_manifest_load(j, &m, &err), err);
	assert_string_equal(m->target.banner, "");
	sut_manifest_freep(&m);
	memset(text + strlen(text), 'x', sizeof(text) - strlen(text) - 1);
	json_object_set_new(target, "banner", json_string(text));
	assert_int_equal(sut_manifest_load(j, &m, &err), -EBADMSG);
	text[SUT_MANIFEST_BANNER_MAX] = 0;
	json_object_set_new(target, "banner", json_string(text));
	m = NULL;
	assert_ok(sut_manifest_load(j, &m, &err), err);
	assert_string_equal(m->target.banner, text);
	sut_manifest_free(m);
}

static const struct wrong {
	const char *path, *value; /* NULL: remove it */
	int code;
	const char *says;
} wrong[] = {
	{"format", NULL, EBADMSG, "format is missing"},
	{"format", "\"tar\"", EBADMSG, "format is not \"suture-patch\""},
	{"version", "2", EPROTONOSUPPORT, "Upgrade suture"},
	{"version", "0", EBADMSG, "version is 0"},
	{"version", "1.0", EBADMSG, "version is missing or not an integer"},
	{"requires", "[\"modules\"]", EPROTONOSUPPORT, "needs \"modules\""},
	{"id", NULL, EBADMSG, "id is missing"},
	{"id", "\"../x\"", EBADMSG, "id is not"},
	{"id", "\"a b\"", EBADMSG, "id is not"},
	{"id", "\"U20261121_01\"", EBADMSG, "id begins with U"},
	{"level", "0", EBADMSG, "level is 0"},
	{"level", "-1", EBADMSG, "level is -1"},
	{"level", "4294967296", EBADMSG, "level is 4294967296"},
	{"level", "\"3\"", EBADMSG, "level is missing or not an integer"},
	{"created", "\"yesterday\"", EBADMSG, "created is not a time"},
	{"generator", "7", EBADMSG, "generator is not a string"},
	{"generator", "\"a\\u001b[31m\"", EBADMSG, "control character"},
	{"generator", "\"a\\u009b31m\"", EBADMSG, "control character"},
	{"generator", "\"a\\u007fb\"", EBADMSG, "control character"},
	{"generator", "\"a\\u202eb\"", EBADMSG, "control character"},
	{"generator", "\"a\\u2066b\"", EBADMSG, "control character"},
	{"generator", "\"a\\u2028b\"", EBADMSG, "control character"},
	{"unknown\x1b[31m", "1", EBADMSG, "a key with a control character"},
	{"target", NULL, EBADMSG, "target is missing"},
	{"target.kind", "\"firmware\"", EPROTONOSUPPORT, "is for a firmware"},
	{"target.kind", "\"library\"", EBADMSG, "target.file is missing"},
	{"target.release", NULL, EBADMSG, "target.release is missing"},
	{"target.banner", "7", EBADMSG, "target.banner is not a string"},
	{"target.banner", "\"uname\"", EBADMSG, "target.banner is not the text of /proc/version"},
	{"target.banner", "\"Linux version 6.1\\n\"", EBADMSG, "control character"},
	{"target.banner", "\"Linux version \\u00e9\"", EBADMSG, "target.banner is not"},
	{"target.build_id", "\"6d1c\"", EBADMSG, "target.build_id is not 40"},
	{"engine.abi", NULL, EBADMSG, "engine.abi is missing"},
	{"cves", NULL, EBADMSG, "cves is missing"},
	{"cves.0", "\"CVE-26-1\"", EBADMSG, "cves entry 0 is not a name like CVE"},
	{"cves.0", "\"CVE-2026-52928 x\"", EBADMSG, "cves entry 0"},
	{"fixes.0.sha256", "\"00\"", EBADMSG, "fixes[0].sha256 is not 64"},
	{"fixes.0.member", "\"fix-2.patch\"", EBADMSG, "do not have the fix fix-2.patch"},
	{"fixes.0.files.0", "\"../../etc/passwd\"", EBADMSG, "fixes[0].files entry 0"},
	{"objects", "[]", EBADMSG, "objects has 0 entries"},
	{"objects", "{}", EBADMSG, "objects is missing or not a list"},
	{"objects.0", "7", EBADMSG, "objects[0] is not an object"},
	{"objects.0.object", "\"a/b\"", EBADMSG, "objects[0].object is neither"},
	{"objects.0.object", "\"xt_multiport\"", EPROTONOSUPPORT, "module xt_multiport"},
	{"objects.0.payload", "\"other.ko\"", EBADMSG, "do not have the payload other.ko"},
	{"objects.0.payload", "\"../vmlinux.ko\"", EBADMSG, "objects[0].payload is not the name"},
	{"objects.0.expect", "\"other\"", EBADMSG, "do not have the expected bytes other"},
	{"objects.0.module", "\"ext4\"", EBADMSG, "begins with suture_"},
	{"objects.0.module", "\"suture_a/b\"", EBADMSG, "begins with suture_"},
	{"objects.0.keep", "1", EBADMSG, "objects[0].keep is neither"},
	{"objects.0.functions", NULL, EBADMSG, "objects[0].functions is missing"},
	{"objects.0.functions", "[]", EBADMSG, "objects[0].functions has 0 entries"},
	{"objects.0.functions.0.name", "\"a b\"", EBADMSG, "functions[0].name is not the name"},
	{"objects.0.functions.0.source", "\"/etc/passwd\"", EBADMSG, "functions[0].source is not"},
	{"objects.0.functions.0.address", "4096", EBADMSG, "address is not a string"},
	{"objects.0.functions.0.address", "\"ffffffff81b0a000\"", EBADMSG, "is not an address"},
	{"objects.0.functions.0.address", "\"0x1ffffffff81b0a000\"", EBADMSG, "is not an address"},
	{"objects.0.functions.0.size", "0", EBADMSG, "functions[0].size is 0"},
	{"objects.0.functions.0.new_size", NULL, EBADMSG, "functions[0].new_size is missing"},
	{"objects.0.functions.0.redirect", "\"none\"", EBADMSG, "functions[0].redirect is not"},
	{"objects.0.functions.0.children.0.address", NULL, EBADMSG,
	 "children[0].address is missing"},
	{"objects.0.new_data.0.size", "true", EBADMSG, "new_data[0].size is missing or not"},
	{"objects.0.anchors.0.via", NULL, EBADMSG, "anchors[0].via is missing"},
	{"busy", "\"f\"", EBADMSG, "busy is missing or not a list"},
	{"busy.0", "\"\"", EBADMSG, "busy entry 0 is not the name"},
	{"members", NULL, EBADMSG, "members is missing"},
	{"members.0.name", "\"vmlinux.expect\"", EBADMSG, "is there twice"},
	{"members.0.name", "\"manifest.json\"", EBADMSG, "cannot list itself"},
	{"members.0.name", "\".hidden\"", EBADMSG, "members[0].name is not the name"},
	{"members.0.name", "\"a/b\"", EBADMSG, "members[0].name is not the name"},
	{"members.0.size", "67108865", EBADMSG, "members[0].size is 67108865"},
	{"members.0.size", "-1", EBADMSG, "members[0].size is -1"},
	{"members.0.sha256", "7", EBADMSG, "members[0].sha256 is not a string"},
	{"members.2.sha256", "\"0000000000000000000000000000000000000000000000000000000000000000\"",
	 EBADMSG, "do not have the fix fix-1.patch with its sha256"},
};

static void expect_refusal(json_t *manifest, const struct wrong *w)
{
	_cleanup_(json_freep) json_t *j = manifest;
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	struct sut_err err = {0};

	set(j, w->path, w->value);
	assert_int_equal(sut_manifest_load(j, &m, &err), -w->code);
	assert_null(m);
	if (!strstr(err.msg, w->says))
		fail_msg("%s = %s: '%s' is not in '%s'", w->path, w->value ? w->value : "(none)",
			 w->says, err.msg);
}

static const struct wrong wrong_library[] = {
	{"id", "\"K20261121_01\"", EBADMSG, "id does not begin with U"},
	{"target.kind", "\"kernel\"", EBADMSG, "target.release is missing"},
	{"target.file", NULL, EBADMSG, "target.file is missing"},
	{"target.file", "\"usr/lib/x\"", EBADMSG, "target.file is not the path"},
	{"target.file", "\"/usr/../etc/x\"", EBADMSG, "target.file is not the path"},
	{"target.soname", NULL, EBADMSG, "target.soname is missing"},
	{"target.soname", "\"a/b\"", EBADMSG, "target.soname is not the name"},
	{"target.release", "\"6.1\"", EBADMSG, "target.release is there"},
	{"target.banner", "\"Linux version 6\"", EBADMSG, "target.banner is there"},
	{"target.build_id", "\"6d1c\"", EBADMSG, "target.build_id is not 40"},
	{"target.source", "7", EBADMSG, "target.source is not a string"},
	{"objects.0.object", "\"vmlinux\"", EBADMSG, "is not libexpat.so.1, the soname"},
	{"objects.1", "{}", EBADMSG, "objects has 2 entries (1 to 1"},
	{"objects.0.payload", "\"other.bin\"", EBADMSG, "do not have the payload other.bin"},
	{"objects.0.module", "\"suture_x\"", EBADMSG, "objects[0].module is there"},
	{"objects.0.expect", "\"fix-1.patch\"", EBADMSG, "objects[0].expect is there"},
	{"objects.0.keep", "false", EBADMSG, "objects[0].keep is there"},
	{"objects.0.anchors", "[]", EBADMSG, "objects[0].anchors is there"},
	{"objects.0.functions.0.redirect", "\"jump-fentry\"", EBADMSG, "is not jump-entry or"},
	{"objects.0.functions.0.redirect", "\"ftrace\"", EBADMSG, "is not jump-entry or"},
	{"objects.0.imports", "{}", EBADMSG, "objects[0].imports is missing or not a list"},
	{"objects.0.imports.0.name", NULL, EBADMSG, "imports[0].name is missing"},
	{"objects.0.imports.0.version", "\"A B\"", EBADMSG, "imports[0].version is not"},
};

static void bad_field_is_named(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wrong); i++)
		expect_refusal(sample_manifest_full(), &wrong[i]);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wrong_library); i++)
		expect_refusal(sample_library_manifest_full(), &wrong_library[i]);
}

static void library_gives_its_values(void **state _unused_)
{
	_cleanup_(json_freep) json_t *j = sample_library_manifest_full();
	_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
	const struct sut_manifest_object *o;
	struct sut_err err = {0};

	assert_ok(sut_manifest_load(j, &m, &err), err);
	assert_true(sut_manifest_is_library(m));
	assert_string_equal(sut_patch_file_name(true), "upatch.bin");
	assert_string_equal(m->target.file, "/usr/lib/x86_64-linux-gnu/libexpat.so.1.8.10");
	assert_string_equal(m->target.soname, "libexpat.so.1");
	assert_string_equal(m->target.source, "expat");
	assert_string_equal(m->target.source_version, "2.5.0-1+deb12u1");
	assert_string_equal(m->target.release, "");
	assert_string_equal(m->target.banner, "");
	assert_int_equal(m->nobjects, 1);
	o = &m->objects[0];
	assert_string_equal(o->module, "");
	assert_string_equal(o->expect, "");
	assert_int_equal(o->functions[0].redirect, SUTURE_REDIRECT_JUMP_ENTRY);
	assert_int_equal(o->functions[1].redirect, SUT_REDIRECT_JUMP_ISLAND);
	assert_string_equal(sut_redirect_name(o->functions[1].redirect), "jump-island");
	assert_int_equal(o->nimports, 2);
	assert_string_equal(o->imports[0].version, "GLIBC_2.16");
	assert_string_equal(o->imports[1].version, "");
	assert_int_equal(sut_manifest_need_kernel(m, &err), -EMEDIUMTYPE);
	assert_string_equal(err.reason, "library");
	assert_says(err, "libexpat.so.1 of debian/libexpat1");
}

/* Names in C++ are longer than those of the kernel. */
static void names_of_a_library_may_be_long(void **state _unused_)
{
	char name[SUT_LIBRARY_NAME_MAX + 1];
	_cleanup_(sut_freep) char *quoted = NULL;

	for (size_t len = SUTURE_NAME_MAX; len <= SUT_LIBRARY_NAME_MAX;
	     len += SUT_LIBRARY_NAME_MAX - SUTURE_NAME_MAX) {
		_cleanup_(json_freep) json_t *j = sample_library_manifest_full(),
					     *kernel = sample_manifest_full();
		_cleanup_(sut_manifest_freep) struct sut_manifest *m = NULL;
		struct sut_err err = {0};
		bool fits = len < SUT_LIBRARY_NAME_MAX;

		memset(name, 'Z', len);
		name[len] = 0;
		free(quoted);
		quoted = sut_sprintf("\"%s\"", name);
		set(j, "objects.0.functions.0.name", quoted);
		set(j, "busy.0", quoted);
		assert_int_equal(sut_manifest_load(j, &m, &err), fits ? 0 : -EBADMSG);
		set(kernel, "objects.0.functions.0.name", quoted);
		sut_manifest_freep(&m);
		m = NULL;
		assert_int_equal(sut_manifest_load(kernel, &m, &err), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_manifest_gives_its_values),
		cmocka_unit_test(banner_is_optional_and_bounded),
		cmocka_unit_test(library_gives_its_values),
		cmocka_unit_test(names_of_a_library_may_be_long),
		cmocka_unit_test(bad_field_is_named),
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
