// SPDX-License-Identifier: Apache-2.0
/*
 * Patches for a large repository: small and well-formed, each for another kernel, with names, levels and
 * CVEs as varied as those of real ones. The same arguments make the same files.
 *
 *   many-patches DIR COUNT    DIR/0.bin, DIR/1.bin … at level 1, and DIR/build-ids
 *   many-patches FILE N LEVEL the patch of kernel N at another level; prints its build-id
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "sample_patch.h"
#include "uapi/suture.h"

/* Kernels of a distribution follow each other; several distributions are served side by side. */
enum { SERIES = 40, CVES = 8 };

static struct sut_err err;

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0) {                                                                  \
			fprintf(stderr, "%s: %s\n", #call, err.msg);                               \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static void build_id_of(uint64_t n, uint8_t id[static SUTURE_BUILD_ID_LEN],
			char hex[static 2 * SUTURE_BUILD_ID_LEN + 1])
{
	uint8_t all[SUT_SHA256_LEN];

	sut_sha256(&n, sizeof(n), all);
	memcpy(id, all, SUTURE_BUILD_ID_LEN);
	sut_hex(id, SUTURE_BUILD_ID_LEN, hex);
}

static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
}

static json_t *manifest_of(uint64_t n, uint64_t level, const char *build_id)
{
	json_t *m = sample_manifest(), *target = json_object_get(m, "target"), *cves = json_array();
	unsigned int series = n % SERIES, update = (unsigned int)(n / SERIES);
	char text[128];

	snprintf(text, sizeof(text), "K2026%02u%02u_%02u", update % 12 + 1, update % 28 + 1,
		 series);
	set(m, "id", json_string(text));
	set(m, "level", json_integer((json_int_t)level));
	for (unsigned int i = 0; i < CVES; i++) {
		snprintf(text, sizeof(text), "CVE-2026-%u", 20000 + 37 * (update + i));
		json_array_append_new(cves, json_string(text));
	}
	set(m, "cves", cves);
	snprintf(text, sizeof(text), "6.%u.0-%u-cloud-amd64", series, update);
	set(target, "release", json_string(text));
	snprintf(text, sizeof(text), "debian/6.%u.0-%u-cloud-amd64", series, update);
	set(target, "name", json_string(text));
	snprintf(text, sizeof(text), "linux-image-6.%u.0-%u-cloud-amd64", series, update);
	set(target, "package", json_string(text));
	set(target, "build_id", json_string(build_id));
	return m;
}

/* The table of the sample names its kernel once. */
static void rename_kernel(struct sut_buf *expect, const uint8_t id[static SUTURE_BUILD_ID_LEN])
{
	uint8_t sample[SUTURE_BUILD_ID_LEN], *at;

	MUST(sut_unhex(SAMPLE_BUILD_ID, sample, sizeof(sample)));
	at = memmem(expect->data, expect->len, sample, sizeof(sample));
	if (!at) {
		fputs("the sample has no build-id\n", stderr);
		exit(1);
	}
	memcpy(at, id, SUTURE_BUILD_ID_LEN);
}

static void make(const char *path, uint64_t n, uint64_t level, FILE *list)
{
	_cleanup_buf_ struct sut_buf expect = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	_cleanup_buf_ struct sut_buf file = SUT_BUF_INIT(SUT_PATCH_FILE_MAX);
	struct sut_member members[SAMPLE_MEMBERS];
	uint8_t id[SUTURE_BUILD_ID_LEN];
	char hex[2 * SUTURE_BUILD_ID_LEN + 1];
	json_t *m;
	FILE *f;

	build_id_of(n, id, hex);
	m = manifest_of(n, level, hex);
	sample_expect(&expect);
	rename_kernel(&expect, id);
	sample_members(&expect, members);
	MUST(sut_patch_pack(m, members, SAMPLE_MEMBERS, SAMPLE_MTIME, &file, &err));
	json_decref(m);
	/* Thousands of files that may go with the machine: not synced one by one. */
	f = fopen(path, "wb");
	if (!f || fwrite(file.data, 1, file.len, f) != file.len || fclose(f)) {
		perror(path);
		exit(1);
	}
	fprintf(list, "%s\n", hex);
}

static void make_all(const char *dir, uint64_t count)
{
	_cleanup_(sut_freep) char *ids = sut_sprintf("%s/build-ids", dir);
	FILE *list;

	MUST(sut_mkdir_p(dir, &err));
	list = ids ? fopen(ids, "w") : NULL;
	if (!list) {
		perror(dir);
		exit(1);
	}
	for (uint64_t n = 0; n < count; n++) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s/%d.bin", dir, (int)n);

		if (!path)
			exit(1);
		make(path, n, 1, list);
	}
	fclose(list);
}

int main(int argc, char **argv)
{
	uint64_t n, level;

	if ((argc != 3 && argc != 4) || sut_parse_u64(argv[2], 1000000, &n) < 0 ||
	    (argc == 4 && sut_parse_u64(argv[3], UINT32_MAX, &level) < 0)) {
		fputs("usage: many-patches DIR COUNT | many-patches FILE N LEVEL\n", stderr);
		return 64;
	}
	if (argc == 3)
		make_all(argv[1], n);
	else
		make(argv[1], n, level, stdout);
	return 0;
}
